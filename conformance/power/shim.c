/* Preloaded into a server, records in order what it asks of its disk below a directory, and when its answers leave. Test code only.
 *
 *   POWER_ROOT   directory that is watched, absolute
 *   POWER_LOG    file that the record is appended to, outside of it
 *   POWER_BREAK  makes the record that of a broken program, whose calls are carried out as ever:
 *                        fdatasync  files of blobs are not flushed
 *                        directory  directories are not flushed
 *                        answer     each commit is written and flushed after the answer that promises it
 *                        normal     commits are not flushed, only checkpoints are (SQLite's synchronous=NORMAL)
 *
 * A change and its entry are made under one lock, so that the order of the record is that of the changes. A flush has two entries, since what is written while it runs may
 * have missed it. SQLite's -shm files are left out: they are mapped memory, which SQLite makes anew.
 *
 * An entry is 32 bytes in the byte order of the machine, two paths below the directory, and data: see log.ts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* A flush takes its time where the files are in memory, too, so that others write meanwhile. */
#define FLUSH_MICROSECONDS 300

enum kind { WRITE = 1, TRUNCATE, CREATE, MKDIR, RENAME, UNLINK, RMDIR, FLUSH_BEGIN, FLUSH_END, ANSWER };

struct entry {
  uint16_t kind, path_length, path2_length, is_directory;
  uint64_t file, number;
  uint32_t thread, data_length;
};

#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, pwrite64, int, const void *, size_t, off_t);
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
REAL(int, open, const char *, int, ...);
REAL(int, ftruncate64, int, off_t);
REAL(int, rename, const char *, const char *);
REAL(int, unlink, const char *);
REAL(int, mkdir, const char *, mode_t);
REAL(int, rmdir, const char *);
REAL(int, fsync, int);
REAL(int, fdatasync, int);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *breakage;
static size_t root_length;
static int record = -1;

/* What the broken program `answer` has not written yet, and whether the log of `normal` has bytes that were not flushed. */
static char *held;
static size_t held_bytes;
static struct entry unflushed_log;

__attribute__((constructor)) static void begin(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
  FIND(write); FIND(writev); FIND(pwrite64); FIND(pwritev); FIND(open); FIND(ftruncate64);
  FIND(rename); FIND(unlink); FIND(mkdir); FIND(rmdir); FIND(fsync); FIND(fdatasync);
  root = getenv("POWER_ROOT");
  breakage = getenv("POWER_BREAK");
  if (breakage == NULL) breakage = "";
  if (root == NULL) return;
  root_length = strlen(root);
  record = real_open(getenv("POWER_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (record < 0) abort();
}

static int is_broken(const char *how) { return strcmp(breakage, how) == 0; }
static int ends_with(const char *path, const char *end) {
  size_t length = strlen(path), end_length = strlen(end);
  return length >= end_length && strcmp(path + length - end_length, end) == 0;
}

/* The part of a path below the root, or NULL where it is none of ours. */
static const char *below(const char *path) {
  if (record < 0 || strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] != '/' && path[root_length] != 0) return NULL;
  return ends_with(path, "-shm") ? NULL : path + root_length;
}

/* The same for an open file; `buffer` has room for a path. */
static const char *below_of(int fd, char *buffer) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, PATH_MAX - 1);
  if (length < 0) return NULL;
  buffer[length] = 0;
  return below(buffer);
}

static void put(const void *bytes, size_t length) {
  for (const char *at = bytes; length > 0;) {
    ssize_t done = real_write(record, at, length);
    if (done < 0 && errno != EINTR) abort();
    if (done > 0) at += done, length -= done;
  }
}

static void append(struct entry entry, const char *path, const char *path2, const void *data) {
  entry.path_length = strlen(path);
  entry.path2_length = strlen(path2);
  entry.thread = gettid();
  size_t length = sizeof entry + entry.path_length + entry.path2_length + entry.data_length;
  char *bytes = malloc(length), *at = bytes;
  if (bytes == NULL) abort();
  at = mempcpy(at, &entry, sizeof entry);
  at = mempcpy(at, path, entry.path_length);
  at = mempcpy(at, path2, entry.path2_length);
  memcpy(at, data, entry.data_length);
  if (is_broken("answer") && ends_with(path, "-wal")) {
    held = realloc(held, held_bytes + length);
    if (held == NULL) abort();
    memcpy(held + held_bytes, bytes, length);
    held_bytes += length;
  } else {
    put(bytes, length);
  }
  free(bytes);
}

static void append_write(int fd, const char *path, const void *data, size_t length, off_t offset) {
  struct stat about;
  fstat(fd, &about);
  if (is_broken("normal") && ends_with(path, ".db") && unflushed_log.file != 0) {
    unflushed_log.kind = FLUSH_BEGIN;
    append(unflushed_log, "", "", "");
    unflushed_log.kind = FLUSH_END;
    append(unflushed_log, "", "", "");
    unflushed_log.file = 0;
  }
  append((struct entry){.kind = WRITE, .file = about.st_ino, .number = offset, .data_length = length}, path, "", data);
}

/* An answer begins with its status line; its head names the request. */
static void append_answer(int fd, const char *bytes, size_t length) {
  struct stat about;
  if (record < 0 || length < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0 || bytes[9] == '1') return;
  if (fstat(fd, &about) != 0 || !S_ISSOCK(about.st_mode)) return;
  pthread_mutex_lock(&lock);
  append((struct entry){.kind = ANSWER, .data_length = length < 2048 ? length : 2048}, "", "", bytes);
  put(held, held_bytes);
  held_bytes = 0;
  pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *data, size_t length) {
  char buffer[PATH_MAX];
  const char *path = below_of(fd, buffer);
  if (path == NULL) {
    append_answer(fd, data, length);
    return real_write(fd, data, length);
  }
  pthread_mutex_lock(&lock);
  off_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  ssize_t done = real_write(fd, data, length);
  if (done > 0) append_write(fd, path, data, done, at);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char buffer[PATH_MAX];
  if (below_of(fd, buffer) != NULL) abort(); /* nobody writes a file this way */
  if (count > 0) append_answer(fd, parts[0].iov_base, parts[0].iov_len);
  return real_writev(fd, parts, count);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
  char buffer[PATH_MAX];
  const char *path = below_of(fd, buffer);
  if (path == NULL) return real_pwrite64(fd, data, length, at);
  pthread_mutex_lock(&lock);
  ssize_t done = real_pwrite64(fd, data, length, at);
  if (done > 0) append_write(fd, path, data, done, at);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite64(fd, data, length, at); }

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  char buffer[PATH_MAX];
  const char *path = below_of(fd, buffer);
  if (path == NULL) return real_pwritev(fd, parts, count, at);
  pthread_mutex_lock(&lock);
  ssize_t done = real_pwritev(fd, parts, count, at), left = done;
  for (int i = 0; left > 0; i++) {
    ssize_t length = left < (ssize_t)parts[i].iov_len ? left : (ssize_t)parts[i].iov_len;
    append_write(fd, path, parts[i].iov_base, length, at);
    at += length, left -= length;
  }
  pthread_mutex_unlock(&lock);
  return done;
}

int open(const char *name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  const char *path = below(name);
  if (path == NULL || !(flags & (O_CREAT | O_TRUNC))) return real_open(name, flags, mode);
  pthread_mutex_lock(&lock);
  struct stat about;
  int was_there = stat(name, &about) == 0;
  int fd = real_open(name, flags, mode);
  if (fd >= 0) {
    fstat(fd, &about);
    if (!was_there) append((struct entry){.kind = CREATE, .file = about.st_ino}, path, "", "");
    else if (flags & O_TRUNC) append((struct entry){.kind = TRUNCATE, .file = about.st_ino}, path, "", "");
  }
  pthread_mutex_unlock(&lock);
  return fd;
}
int open64(const char *name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open(name, flags, mode);
}

int ftruncate64(int fd, off_t length) {
  char buffer[PATH_MAX];
  const char *path = below_of(fd, buffer);
  if (path == NULL) return real_ftruncate64(fd, length);
  pthread_mutex_lock(&lock);
  int result = real_ftruncate64(fd, length);
  struct stat about;
  fstat(fd, &about);
  if (result == 0) append((struct entry){.kind = TRUNCATE, .file = about.st_ino, .number = length}, path, "", "");
  pthread_mutex_unlock(&lock);
  return result;
}

int rename(const char *from, const char *to) {
  const char *path = below(from), *path2 = below(to);
  if (path == NULL || path2 == NULL) return real_rename(from, to);
  pthread_mutex_lock(&lock);
  int result = real_rename(from, to);
  if (result == 0) append((struct entry){.kind = RENAME}, path, path2, "");
  pthread_mutex_unlock(&lock);
  return result;
}

#define CHANGE_NAME(kind_, call, name)                               \
  const char *path = below(name);                                    \
  if (path == NULL) return call;                                     \
  pthread_mutex_lock(&lock);                                         \
  int result = call;                                                 \
  if (result == 0) append((struct entry){.kind = kind_}, path, "", ""); \
  pthread_mutex_unlock(&lock);                                       \
  return result
int unlink(const char *name) { CHANGE_NAME(UNLINK, real_unlink(name), name); }
int mkdir(const char *name, mode_t mode) { CHANGE_NAME(MKDIR, real_mkdir(name, mode), name); }
int rmdir(const char *name) { CHANGE_NAME(RMDIR, real_rmdir(name), name); }

static int flush(int fd, int (*real)(int)) {
  char buffer[PATH_MAX];
  const char *path = below_of(fd, buffer);
  if (path == NULL) return real(fd);
  struct stat about;
  fstat(fd, &about);
  int is_directory = S_ISDIR(about.st_mode);
  if (is_broken("directory") && is_directory) return real(fd);
  if (is_broken("fdatasync") && !is_directory && strstr(path, "/blobs/") != NULL) return real(fd);
  struct entry entry = {.kind = FLUSH_BEGIN, .file = about.st_ino, .is_directory = is_directory};
  int is_kept_back = is_broken("normal") && ends_with(path, "-wal");
  pthread_mutex_lock(&lock);
  if (is_kept_back) unflushed_log = entry;
  else append(entry, path, "", "");
  pthread_mutex_unlock(&lock);
  usleep(FLUSH_MICROSECONDS);
  int result = real(fd);
  entry.kind = FLUSH_END;
  pthread_mutex_lock(&lock);
  if (result == 0 && !is_kept_back) append(entry, path, "", "");
  pthread_mutex_unlock(&lock);
  return result;
}
int fsync(int fd) { return flush(fd, real_fsync); }
int fdatasync(int fd) { return flush(fd, real_fdatasync); }
