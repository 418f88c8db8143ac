/* Cuts the power of a file system: `power_cut DIR` shuts the ext4 that DIR is on, without letting
 * it write its journal first. What was not synced is lost, as when the plug is pulled. It is meant
 * for a loop-mounted image of a test's own and refuses the root file system. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXT4_SHUTDOWN _IOR('X', 125, uint32_t)
#define WITHOUT_LOG_FLUSH 2u

int main(int argc, char **argv) {
    struct stat root, directory;
    if (argc != 2 || stat("/", &root) != 0 || stat(argv[1], &directory) != 0) {
        (void)fputs("usage: power_cut DIR\n", stderr);
        return 2;
    }
    if (root.st_dev == directory.st_dev) {
        (void)fputs("power_cut: not the root file system\n", stderr);
        return 2;
    }
    uint32_t how = WITHOUT_LOG_FLUSH;
    int fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        perror("power_cut: opening");
        return 1;
    }
    int result = ioctl(fd, EXT4_SHUTDOWN, &how);
    if (result != 0) {
        perror("power_cut: shutting down");
    }
    (void)close(fd);
    return result != 0;
}
