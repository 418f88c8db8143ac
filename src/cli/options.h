/* Command lines by tables: one row an option, its help beside it.
 *
 * Every command describes itself with a struct usage and its rows; parsing, --help and what is said
 * about a mistake come from here, so all commands behave alike. */
#ifndef ONHAND_CLI_OPTIONS_H
#define ONHAND_CLI_OPTIONS_H

#include "base/text.h"

/* How a command ends. */
enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum option_kind {
    OPTION_FLAG, /* bool */
    OPTION_TEXT, /* const char * */
    OPTION_COUNT /* int64_t, not negative */
};

struct option_row {
    const char *name;     /* with its dashes */
    const char *argument; /* what the help calls it; NULL for a flag */
    enum option_kind kind;
    void *target;
    const char *help; /* starts with "!": not shown */
};

struct usage {
    const char *synopsis; /* after "onhand ", one line a form */
    const char *about;    /* what it does, lines of at most 80 columns */
    const char *examples; /* whole command lines */
};

/* Words of the command line that are no options; they point into argv. */
#define OPERANDS_MAX 4
struct operands {
    const char *words[OPERANDS_MAX];
    size_t count;
};

/* What to do after parsing: PARSED_RUN, or end with this exit code at once. */
#define PARSED_RUN (-1)

/* argv[0] is the command's name. Options may stand anywhere; "--" ends them; "-" and a negative
 * number are operands. Prints the help or the mistake itself. */
int options_parse(const struct usage *usage, const struct option_row *rows, size_t row_count,
                  int argc, char **argv, size_t least, size_t most, struct operands *operands_out);

/* Prints the mistake with a hint at --help and returns EXIT_USAGE. */
int usage_mistake(const struct usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ROWS(array) (array), sizeof(array) / sizeof(array)[0]

#endif
