// SPDX-License-Identifier: GPL-2.0-only
#include "agents/windows/records.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "agents/l0/records/channel.h"

/* What sink.c waits for: here nothing is on its way while something is measured. */
void channel_drain(struct channel *c)
{
	(void)c;
}

static bool is_port_name(const char *path)
{
	return !strncmp(path, "\\\\.\\", 4);
}

/* 115200 baud, 8N1, reads that wait for the first byte for ever and then take what is there. */
static int set_up_port(HANDLE port)
{
	COMMTIMEOUTS times = {.ReadIntervalTimeout = MAXDWORD,
			      .ReadTotalTimeoutMultiplier = MAXDWORD,
			      .ReadTotalTimeoutConstant = MAXDWORD - 1};
	DCB dcb = {.DCBlength = sizeof(dcb)};

	if (!GetCommState(port, &dcb))
		return -EIO;
	dcb.BaudRate = CBR_115200;
	dcb.ByteSize = 8;
	dcb.Parity = NOPARITY;
	dcb.StopBits = ONESTOPBIT;
	if (!SetCommState(port, &dcb) || !SetCommTimeouts(port, &times))
		return -EIO;
	return 0;
}

static int write_all(HANDLE out, const char *text, size_t len)
{
	while (len) {
		DWORD done;

		if (!WriteFile(out, text, (DWORD)len, &done, NULL))
			return -EIO;
		text += done;
		len -= done;
	}
	return 0;
}

static int open_port(struct records *r)
{
	int ret = set_up_port(r->plan);

	if (ret)
		return ret;
	PurgeComm(r->plan, PURGE_RXCLEAR | PURGE_TXCLEAR);
	return write_all(r->plan, PROTOCOL_READY "\n", sizeof(PROTOCOL_READY));
}

int records_open(struct records *r, const char *plan, const char *out)
{
	*r = (struct records){.is_port = is_port_name(plan)};
	r->plan = CreateFileA(plan, r->is_port ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ,
			      FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
	if (r->plan == INVALID_HANDLE_VALUE)
		return -ENOENT;
	r->out = r->plan;
	if (r->is_port)
		return open_port(r);
	r->out = CreateFileA(out, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
	if (r->out == INVALID_HANDLE_VALUE)
		return -EACCES;
	return 0;
}

/* Is the text's last line, which is whole, the end of a plan? */
static bool has_ended(const char *text, size_t len)
{
	size_t at = len - 1;

	while (at && text[at - 1] != '\n')
		at--;
	return !strncmp(text + at, "end ", 4);
}

int records_read_plan(struct records *r, char *text, size_t size)
{
	size_t len = 0;
	DWORD got;

	while (len + 1 < size) {
		if (!ReadFile(r->plan, text + len, 1, &got, NULL) || !got)
			return -ENODATA;
		if (text[len] == '\r')
			continue;
		len++;
		if (text[len - 1] != '\n' || !has_ended(text, len))
			continue;
		text[len] = '\0';
		return 0;
	}
	return -EMSGSIZE;
}

int records_send(struct records *r, const char *body, size_t len)
{
	static char record[PROTOCOL_LINE_MAX + 1];
	int n = snprintf(record, sizeof(record), "{\"seq\":%" PRIu64 ",", r->next);

	if ((size_t)n + len >= sizeof(record))
		return -EMSGSIZE;
	memcpy(record + n, body, len);
	n = record_seal(record, (size_t)n + len, sizeof(record) - 1);
	if (n < 0)
		return n;
	record[n] = '\n';
	r->next++;
	return write_all(r->out, record, (size_t)n + 1);
}

int records_send_line(struct records *r, const struct line *l)
{
	return l->full ? -EMSGSIZE : records_send(r, l->buf, l->len);
}
