/* Parses command lines by their tables and writes the help from the same tables. */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define HELP_COLUMN 26

static const char help_row[] = "this text";

static void print_row(const char *name, const char *argument, const char *help) {
    int width =
        printf("  %s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");
    if (width >= HELP_COLUMN) {
        (void)printf("\n");
        width = 0;
    }
    for (const char *line = help; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)printf("%*s%.*s\n", HELP_COLUMN - width, "", (int)length, line);
        line += length + (line[length] == '\n');
        width = 0;
    }
}

/* "usage: onhand " before the first form, aligned before the others. */
static void print_synopsis(FILE *out, const struct usage *usage) {
    const char *lead = "usage: onhand ";
    for (const char *line = usage->synopsis; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        (void)fprintf(out, "%s%.*s\n", lead, (int)length, line);
        line += length + (line[length] == '\n');
        lead = "       onhand ";
    }
}

static void print_help(const struct usage *usage, const struct option_row *rows, size_t count) {
    print_synopsis(stdout, usage);
    (void)printf("\n%s\n\noptions:\n", usage->about);
    for (size_t i = 0; i < count; i++)
        if (rows[i].help[0] != '!')
            print_row(rows[i].name, rows[i].argument, rows[i].help);
    print_row("--help", NULL, help_row);
    if (usage->examples != NULL)
        (void)printf("\nexamples:\n%s\n", usage->examples);
}

int usage_mistake(const struct usage *usage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("onhand: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs("\n", stderr);
    print_synopsis(stderr, usage);
    size_t word = strcspn(usage->synopsis, " \n");
    (void)fprintf(stderr, "try: onhand %.*s --help\n", (int)word, usage->synopsis);
    return EXIT_USAGE;
}

static const struct option_row *find_row(const struct option_row *rows, size_t count,
                                         const char *word, size_t length) {
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, word, length) == 0)
            return &rows[i];
    return NULL;
}

static int store_count(const struct usage *usage, const struct option_row *row, const char *value) {
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0)
        return usage_mistake(usage, "%s: '%s' is not a whole number", row->name, value);
    *(int64_t *)row->target = number;
    return PARSED_RUN;
}

/* One option; *index moves over a value in the next word. */
static int take_option(const struct usage *usage, const struct option_row *rows, size_t count,
                       int argc, char **argv, int *index) {
    const char *word = argv[*index];
    size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    const struct option_row *row = find_row(rows, count, word, length);
    if (row == NULL)
        return usage_mistake(usage, "no such option: %.*s", (int)length, word);
    if (row->kind == OPTION_FLAG) {
        if (value != NULL)
            return usage_mistake(usage, "%s takes no value", row->name);
        *(bool *)row->target = true;
        return PARSED_RUN;
    }
    if (value == NULL) {
        if (*index + 1 >= argc)
            return usage_mistake(usage, "%s needs a value: %s %s", row->name, row->name,
                                 row->argument);
        value = argv[++*index];
    }
    if (row->kind == OPTION_COUNT)
        return store_count(usage, row, value);
    *(const char **)row->target = value;
    return PARSED_RUN;
}

static bool is_operand(const char *word) {
    return word[0] != '-' || word[1] == '\0' || (word[1] >= '0' && word[1] <= '9') ||
           word[1] == '.';
}

int options_parse(const struct usage *usage, const struct option_row *rows, size_t row_count,
                  int argc, char **argv, size_t least, size_t most, struct operands *out) {
    *out = (struct operands){0};
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (only_operands || is_operand(word)) {
            if (out->count == most || out->count == OPERANDS_MAX)
                return usage_mistake(usage, "one word too many: '%s'", word);
            out->words[out->count++] = word;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(usage, rows, row_count);
            return EXIT_DONE;
        } else {
            int code = take_option(usage, rows, row_count, argc, argv, &i);
            if (code != PARSED_RUN)
                return code;
        }
    }
    if (out->count < least)
        return usage_mistake(usage, "something is missing on the command line");
    return PARSED_RUN;
}
