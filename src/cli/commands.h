/* The commands that talk to a running hub; argv[0] is the command's name, the answer its exit
 * code. */
#ifndef ONHAND_CLI_COMMANDS_H
#define ONHAND_CLI_COMMANDS_H

int command_adjust(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_show(int argc, char **argv);
int command_history(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_status(int argc, char **argv);
int command_top(int argc, char **argv);
int command_resets(int argc, char **argv);
int command_variances(int argc, char **argv);
int command_feeds(int argc, char **argv);
int command_channels(int argc, char **argv);
int command_sources(int argc, char **argv);
int command_jobs(int argc, char **argv);
int command_token(int argc, char **argv);
int command_export(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_catalog(int argc, char **argv);
int command_config(int argc, char **argv);

#endif
