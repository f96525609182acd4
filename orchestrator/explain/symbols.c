// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"

#define LAST_BYTES 4096 /* of a symbol without a size and without a next one */

/* ---- reading ---- */

/* As compilers and assemblers write names; whatever else a file has in store is no name. */
static bool is_name(const char *name)
{
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == ';')
			return false;
	return true;
}

/* "foo.isra.0.cold" is "foo"; ".Lname" and "__pfx_foo" are no functions. */
static char *clean_name(const char *name)
{
	size_t len = strcspn(name, ".");

	if (!len || !strncmp(name, "__pfx_", 6) || !is_name(name))
		return NULL;
	return strndup(name, len);
}

static bool is_entry(const char *name)
{
	static const char *const entries[] = {"asm_", "irq_entries_start",
					      "spurious_entries_start"};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strncmp(name, entries[i], strlen(entries[i])))
			return true;
	return false;
}

static bool is_in_code(Elf *elf, const GElf_Sym *sym)
{
	Elf_Scn *section = elf_getscn(elf, sym->st_shndx);
	GElf_Shdr head;

	return sym->st_shndx != SHN_UNDEF && sym->st_shndx < SHN_LORESERVE && section &&
	       gelf_getshdr(section, &head) && head.sh_flags & SHF_EXECINSTR;
}

static void add_symbol(struct explain_image *image, const GElf_Sym *sym, const char *name,
		       const char *file)
{
	char *clean = clean_name(name);

	if (!clean)
		return;
	image->symbols = xrealloc(image->symbols, image->nsymbols + 1, sizeof(*image->symbols));
	image->symbols[image->nsymbols++] = (struct explain_symbol){
		.begin = sym->st_value,
		.end = sym->st_value + sym->st_size,
		.name = clean,
		.file = xstrdup(file),
		.entry = is_entry(clean),
	};
}

/* Local symbols follow that of their file; which file a global one is of the table does not say. */
static void read_symbols(struct explain_image *image, Elf *elf, Elf_Scn *section,
			 const GElf_Shdr *head)
{
	Elf_Data *data = elf_getdata(section, NULL);
	const char *file = "";
	GElf_Sym sym;

	for (int i = 1; data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, head->sh_link, sym.st_name);
		int type = GELF_ST_TYPE(sym.st_info);

		if (!name)
			continue;
		if (type == STT_FILE)
			file = is_name(name) ? name : "";
		else if ((type == STT_FUNC || type == STT_NOTYPE) && is_in_code(elf, &sym))
			add_symbol(image, &sym, name,
				   GELF_ST_BIND(sym.st_info) == STB_LOCAL ? file : "");
	}
}

static void read_marks(struct explain_image *image, Elf_Scn *section)
{
	Elf_Data *data = elf_getdata(section, NULL);

	if (!data || image->marks)
		return;
	image->nmarks = data->d_size / sizeof(*image->marks);
	image->marks = xcalloc(image->nmarks, sizeof(*image->marks));
	memcpy(image->marks, data->d_buf, image->nmarks * sizeof(*image->marks));
}

static void read_sections(struct explain_image *image, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names = 0;

	elf_getshdrstrndx(elf, &names);
	while ((section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr head;

		if (!gelf_getshdr(section, &head))
			continue;
		name = elf_strptr(elf, names, head.sh_name);
		if (head.sh_type == SHT_SYMTAB)
			read_symbols(image, elf, section, &head);
		else if (name && !strcmp(name, L1_MARKS_SECTION))
			read_marks(image, section);
	}
}

/* ---- putting in order ---- */

/* Of several at one address the one with a size comes first: it is the function, the others are labels. */
static int by_address(const void *a, const void *b)
{
	const struct explain_symbol *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void free_symbol(struct explain_symbol *s)
{
	free(s->name);
	free(s->file);
}

/* Drops labels inside of functions, and aliases; lets what has no size go on to the next symbol. */
static void drop_labels(struct explain_image *image)
{
	struct explain_symbol *s = image->symbols;
	size_t kept = 0;

	for (size_t i = 0; i < image->nsymbols; i++) {
		struct explain_symbol *last = kept ? &s[kept - 1] : NULL;
		bool has_size = s[i].end > s[i].begin;

		if (last && (s[i].begin < last->end || s[i].begin == last->begin)) {
			free_symbol(&s[i]);
			continue;
		}
		if (!has_size)
			s[i].end = s[i].begin;
		s[kept++] = s[i];
	}
	image->nsymbols = kept;
	for (size_t i = 0; i < kept; i++)
		if (s[i].end == s[i].begin)
			s[i].end = i + 1 < kept ? s[i + 1].begin : s[i].begin + LAST_BYTES;
}

/* What one source file became lies together: a global function is of its neighbours' file. */
static void guess_files(struct explain_image *image)
{
	const char *file = "";

	for (size_t i = 0; i < image->nsymbols; i++) {
		struct explain_symbol *s = &image->symbols[i];

		if (s->file[0]) {
			file = s->file;
		} else {
			free(s->file);
			s->file = xstrdup(file);
		}
	}
}

int explain_image_read(const char *path, struct explain_image *image, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;

	*image = (struct explain_image){0};
	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf)
		read_sections(image, elf);
	elf_end(elf);
	close(fd);
	if (!image->nsymbols)
		return error_set(
			err, -EINVAL,
			"%s: not an ELF file with symbols: which function an address belongs "
			"to is not known (a kernel that nestlab builds has them)",
			path);
	qsort(image->symbols, image->nsymbols, sizeof(*image->symbols), by_address);
	drop_labels(image);
	guess_files(image);
	return 0;
}

void explain_image_free(struct explain_image *image)
{
	for (size_t i = 0; i < image->nsymbols; i++)
		free_symbol(&image->symbols[i]);
	free(image->symbols);
	free(image->marks);
	*image = (struct explain_image){0};
}

/* ---- better places ---- */

struct place {
	const char *function, *path;
};

static int by_function(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = strcmp(x->function, y->function);

	return order ? order : strcmp(x->path, y->path);
}

/* Cuts @text into places; the caller frees. */
static struct place *cut_places(char *text, size_t *n)
{
	struct place *places = NULL;
	size_t room = 0;
	char *save = NULL;

	*n = 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *blank = strchr(line, ' ');

		if (!blank)
			continue;
		*blank = '\0';
		if (*n == room) {
			room = room ? 2 * room : 4096;
			places = xrealloc(places, room, sizeof(*places));
		}
		places[(*n)++] = (struct place){line, blank + 1};
	}
	if (*n)
		qsort(places, *n, sizeof(*places), by_function);
	return places;
}

static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The first of the places of that name; *count of them. */
static const struct place *find_places(const struct place *places, size_t n, const char *name,
				       size_t *count)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(places[middle].function, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < n && !strcmp(places[low + *count].function, name))
		(*count)++;
	return places + low;
}

/* A function that the list has not got (a patch brought it): by the name of its file, if there is one file of
 * that name. */
static const char *find_by_file(const struct place *places, size_t n, const char *file)
{
	const char *path = NULL;

	for (size_t i = 0; i < n && file[0]; i++) {
		if (strcmp(file_of(places[i].path), file))
			continue;
		if (path && strcmp(path, places[i].path))
			return NULL;
		path = places[i].path;
	}
	return path;
}

static void place_symbol(struct explain_symbol *s, const struct place *places, size_t n)
{
	size_t count;
	const struct place *p = find_places(places, n, s->name, &count);
	const char *path = NULL;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(p[0].path, p[count - 1].path) || !strcmp(file_of(p[i].path), s->file))
			path = p[i].path;
	if (!path)
		path = find_by_file(places, n, s->file);
	if (!path)
		return;
	free(s->file);
	s->file = xstrdup(path);
}

void explain_image_place(struct explain_image *image, const char *list)
{
	__cleanup_free char *text = xstrdup(list);
	size_t n;
	struct place *places = cut_places(text, &n);

	for (size_t i = 0; i < image->nsymbols; i++)
		place_symbol(&image->symbols[i], places, n);
	free(places);
}

/* ---- finding ---- */

static bool holds(const struct explain_symbol *s, uint64_t address)
{
	return address >= s->begin && address < s->end;
}

struct explain_symbol *explain_image_find(struct explain_image *image, uint64_t address)
{
	size_t low = 0, high = image->nsymbols;

	if (!high)
		return NULL;
	if (holds(&image->symbols[image->last], address))
		return &image->symbols[image->last];
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (image->symbols[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || !holds(&image->symbols[low - 1], address))
		return NULL;
	image->last = low - 1;
	return &image->symbols[low - 1];
}

struct explain_symbol *explain_image_named(const struct explain_image *image, const char *name)
{
	for (size_t i = 0; i < image->nsymbols; i++)
		if (!strcmp(image->symbols[i].name, name))
			return &image->symbols[i];
	return NULL;
}
