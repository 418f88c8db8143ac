/* libssh does the work; what it may do by itself is switched off: no configuration files of the
 * user, no agent, no keys lying about. */
#include "feed/sftp_connect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timestamp.h"

#define HOW_SIZE 200

static enum status set_options(ssh_session ssh, const struct config_feed *feed,
                               const struct sftp_address *address, struct error *error) {
    bool process_config = false;
    long timeout = SFTP_TIMEOUT_SECONDS;
    struct text user = feed->user.length > 0 ? feed->user : address->user;
    int failed = 0;
    failed |= ssh_options_set(ssh, SSH_OPTIONS_PROCESS_CONFIG, &process_config);
    failed |= ssh_options_set(ssh, SSH_OPTIONS_HOST, address->host.data);
    failed |= ssh_options_set(ssh, SSH_OPTIONS_PORT, &address->port);
    failed |= ssh_options_set(ssh, SSH_OPTIONS_TIMEOUT, &timeout);
    if (user.length > 0) {
        failed |= ssh_options_set(ssh, SSH_OPTIONS_USER, user.data);
    }
    if (feed->known_hosts.length > 0) {
        failed |= ssh_options_set(ssh, SSH_OPTIONS_KNOWNHOSTS, feed->known_hosts.data);
        failed |= ssh_options_set(ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
    }
    return failed == 0 ? STATUS_OK : error_set(error, STATUS_BAD_VALUE, "%s", ssh_get_error(ssh));
}

/* What to do about a key, for the person who reads the message. */
static void fingerprint(ssh_session ssh, char out[HOW_SIZE]) {
    ssh_key key = NULL;
    unsigned char *hash = NULL;
    size_t length = 0;
    snprintf(out, HOW_SIZE, "unknown fingerprint");
    if (ssh_get_server_publickey(ssh, &key) != SSH_OK) {
        return;
    }
    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == SSH_OK) {
        char *words = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length);
        if (words != NULL) {
            snprintf(out, HOW_SIZE, "%s key %s", ssh_key_type_to_char(ssh_key_type(key)), words);
        }
        ssh_string_free_char(words);
        ssh_clean_pubkey_hash(&hash);
    }
    ssh_key_free(key);
}

static enum status check_host_key(ssh_session ssh, const struct config_feed *feed,
                                  const struct sftp_address *address, struct error *error) {
    enum ssh_known_hosts_e known = ssh_session_is_known_server(ssh);
    if (known == SSH_KNOWN_HOSTS_OK) {
        return STATUS_OK;
    }
    char offered[HOW_SIZE];
    fingerprint(ssh, offered);
    struct text file =
        feed->known_hosts.length > 0 ? feed->known_hosts : TEXT("~/.ssh/known_hosts");
    switch (known) {
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
        return error_set(
            error, STATUS_REFUSED,
            "the host key of %s has CHANGED: it offers %s, which is not in %.*s; if the "
            "server's owner confirms it, replace the line there",
            address->host.data, offered, TEXT_ARG(file));
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
        return error_set(error, STATUS_REFUSED,
                         "the host key of %s is not known: it offers %s; if that is right, add it: "
                         "ssh-keyscan -p %u %s >> %.*s",
                         address->host.data, offered, address->port, address->host.data,
                         TEXT_ARG(file));
    case SSH_KNOWN_HOSTS_OK:
    case SSH_KNOWN_HOSTS_ERROR:
        break;
    }
    return error_set(error, STATUS_REFUSED, "the host key cannot be checked: %s",
                     ssh_get_error(ssh));
}

static enum status login_by_key(ssh_session ssh, const struct config_feed *feed,
                                struct error *error) {
    struct buffer secret = {0};
    enum status status = config_secret(&feed->identity, &secret, error);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_append(&secret, "\n", 2); /* and a NUL */
    ssh_key key = NULL;
    /* The empty passphrase keeps libssh from asking a terminal. */
    int imported = ssh_pki_import_privkey_base64(secret.data, "", NULL, NULL, &key);
    config_secret_wipe(&secret);
    if (imported != SSH_OK) {
        return error_set(error, STATUS_BAD_VALUE,
                         "identity: not a private key without a passphrase");
    }
    int answer = ssh_userauth_publickey(ssh, NULL, key);
    ssh_key_free(key);
    return answer == SSH_AUTH_SUCCESS
               ? STATUS_OK
               : error_set(error, STATUS_REFUSED, "the server does not accept the key%s%s",
                           answer == SSH_AUTH_ERROR ? ": " : "",
                           answer == SSH_AUTH_ERROR ? ssh_get_error(ssh) : "");
}

/* Servers that ask for the password in a dialogue. */
static int answer_questions(ssh_session ssh, const char *password) {
    int answer = ssh_userauth_kbdint(ssh, NULL, NULL);
    for (int round = 0; answer == SSH_AUTH_INFO && round < 10; round++) {
        int questions = ssh_userauth_kbdint_getnprompts(ssh);
        for (int i = 0; i < questions; i++) {
            char echo = 1;
            ssh_userauth_kbdint_getprompt(ssh, (unsigned)i, &echo);
            ssh_userauth_kbdint_setanswer(ssh, (unsigned)i, echo ? "" : password);
        }
        answer = ssh_userauth_kbdint(ssh, NULL, NULL);
    }
    return answer;
}

static enum status login_by_password(ssh_session ssh, const struct config_feed *feed,
                                     struct error *error) {
    struct buffer secret = {0};
    enum status status = config_secret(&feed->password, &secret, error);
    if (status != STATUS_OK) {
        return status;
    }
    buffer_append(&secret, "", 1);
    int answer = SSH_AUTH_DENIED;
    unsigned methods = (unsigned)ssh_userauth_list(ssh, NULL);
    if ((methods & SSH_AUTH_METHOD_PASSWORD) != 0) {
        answer = ssh_userauth_password(ssh, NULL, secret.data);
    }
    if (answer != SSH_AUTH_SUCCESS && (methods & SSH_AUTH_METHOD_INTERACTIVE) != 0) {
        answer = answer_questions(ssh, secret.data);
    }
    config_secret_wipe(&secret);
    return answer == SSH_AUTH_SUCCESS
               ? STATUS_OK
               : error_set(error, STATUS_REFUSED, "the server does not accept the password");
}

static enum status login(ssh_session ssh, const struct config_feed *feed, struct error *error) {
    /* Asks which methods there are; some servers let anybody in. */
    int answer = ssh_userauth_none(ssh, NULL);
    if (answer == SSH_AUTH_SUCCESS) {
        return STATUS_OK;
    }
    enum status status =
        error_set(error, STATUS_REFUSED, "the server wants an identity or a password");
    if (feed->identity.kind != CONFIG_SECRET_NONE) {
        status = login_by_key(ssh, feed, error);
    }
    if (status != STATUS_OK && feed->password.kind != CONFIG_SECRET_NONE) {
        status = login_by_password(ssh, feed, error);
    }
    return status;
}

enum status sftp_session_open(const struct config_feed *feed, const struct sftp_address *address,
                              struct sftp_session *session_out, struct error *error) {
    *session_out = (struct sftp_session){.ssh = ssh_new()};
    ssh_session ssh = session_out->ssh;
    require(ssh != NULL);
    enum status status = set_options(ssh, feed, address, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (ssh_connect(ssh) != SSH_OK) {
        return error_set(error, STATUS_IO, "%s port %u: %s", address->host.data, address->port,
                         ssh_get_error(ssh));
    }
    watchdog_start(&session_out->watchdog, ssh_get_fd(ssh), SFTP_TIMEOUT_SECONDS * US_PER_SECOND);
    session_out->watched = true;
    status = check_host_key(ssh, feed, address, error);
    if (status == STATUS_OK) {
        status = login(ssh, feed, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    session_out->sftp = sftp_new(ssh);
    if (session_out->sftp == NULL || sftp_init(session_out->sftp) != SSH_OK) {
        return error_set(error, STATUS_IO, "no SFTP on %s: %s", address->host.data,
                         ssh_get_error(ssh));
    }
    return STATUS_OK;
}

void sftp_session_deinit(struct sftp_session *session) {
    if (session->watched) {
        watchdog_stop(&session->watchdog);
    }
    if (session->sftp != NULL) {
        sftp_free(session->sftp);
    }
    if (session->ssh != NULL) {
        ssh_disconnect(session->ssh);
        ssh_free(session->ssh);
    }
    *session = (struct sftp_session){0};
}
