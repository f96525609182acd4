/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fields.h - the tables that describe requests. Private to orchestrator/request and its tests.
 *
 * A row is one field: where it is in the struct, in JSON and on the command line. Some kinds have
 * alternatives, told apart by one choice field (a bisect's "kind"); a row can belong to some of them
 * only.
 */
#ifndef ORCHESTRATOR_REQUEST_FIELDS_H
#define ORCHESTRATOR_REQUEST_FIELDS_H

#include "orchestrator/request/request.h"

/* The type of the member in the struct. */
enum request_type {
	REQUEST_TEXT,	 /* char *, not empty */
	REQUEST_INTEGER, /* int */
	REQUEST_REAL,	 /* double */
	REQUEST_FLAG,	 /* bool */
	REQUEST_LIST,	 /* struct request_list of texts */
	REQUEST_CHOICE,	 /* int: 1 + index of the word; 0: not given */
};

/* Where the field is on the command line. */
enum request_place {
	REQUEST_OPTION,
	REQUEST_OPERAND, /* in the table's order; a list takes the rest */
	REQUEST_NO_ARGUMENT,
};

enum request_file {
	REQUEST_NO_FILE,
	REQUEST_FILE,	   /* the text is a path */
	REQUEST_JSON_FILE, /* it is a path if it ends in .json or has a slash, else a name */
};

#define REQUEST_ALWAYS	(~0u)
#define REQUEST_NOWHERE ((size_t)-1)

struct request_field {
	const char *key; /* JSON member; NULL: another spelling, on the command line only */
	enum request_type type;
	size_t at; /* from the start of struct request; REQUEST_NOWHERE: only .chooses matters */
	const char *argname;   /* also says how to complete it: see orchestrator/cli/complete.c */
	const char *help;      /* without the default, which is added */
	const char *otherwise; /* the default as on the command line; NULL: none */
	enum request_place place;
	const char *option;		 /* the option's name; NULL: the key with dashes */
	double min, max;		 /* INTEGER, REAL: range; LIST: how many */
	const char *word;		 /* INTEGER: the word for 0 */
	const char *(*choice)(size_t i); /* CHOICE: word i, NULL past the last */
	unsigned required; /* alternatives that need it: bit of the choice, or ALWAYS */
	const char
		*unless; /* key of a field that, when given, takes the place of this one; or NULL */
	unsigned when;	 /* alternatives that have it; 0: all */
	const char *chooses; /* the alternative that giving this option chooses; NULL: none */
	const char *needs, *excludes; /* as of struct option_spec (common/options.h) */
	enum request_file file;
};

struct request_table {
	const char *name;
	const char *command;		    /* of nestlab, which carries it out */
	const char *help;		    /* one sentence, for the schema */
	const struct request_field *fields; /* ended by a NULL help */
	const char *alternatives;   /* key of the choice that tells alternatives apart; or NULL */
	const char *no_alternative; /* the message if the command line does not choose one */
	/* Checks what the rows cannot express; @fields are the rows, @name as for request_check().
	 * NULL: there is nothing more to check. */
	int (*check)(const struct request *r, const struct request_field *fields, const char *name,
		     struct error *err);
};

extern const struct request_table request_tables[REQUEST_KINDS];

/* Does the row belong to the alternative that @r is? */
bool request_has_field(const struct request *r, const struct request_field *f);
bool request_is_required(const struct request *r, const struct request_field *f);
bool request_is_given(const struct request *r, const struct request_field *f);
/* The field of a table that has this key; NULL: none. */
const struct request_field *request_find_field(const struct request_field *fields, const char *key);

/* Sets a field from a word of the command line (FLAG: @text is not used). -EINVAL: what was
 * expected, without the field's name. */
int request_set_text(struct request *r, const struct request_field *f, const char *text,
		     struct error *err);
/* "--boots", "SCENARIO", or "kind"; the caller frees. */
char *request_argument_name(const struct request_field *f);
/* "NAME: $.KEY: text", or "--key: text" if @name is NULL. Returns -EINVAL. */
int request_complain(const struct request_field *f, const char *name, struct error *err,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
