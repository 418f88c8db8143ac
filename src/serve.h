/* The commands that work on the store itself and not through a running hub: they see every folder,
 * so they stand beside main.c. argv[0] is the command's name; they answer the exit code. */
#ifndef ONHAND_SERVE_H
#define ONHAND_SERVE_H

int command_serve(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_migrate(int argc, char **argv);

#endif
