/* What the programs of load share: connections to a port of this machine, the clock, and what is said to who drives them. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static long long micros(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static void watch(int epoll, int operation, int fd, unsigned events, long token) {
  struct epoll_event event = {.events = events, .data.u64 = (unsigned long)token};
  if (epoll_ctl(epoll, operation, fd, &event)) fail(strerror(errno));
}

static struct sockaddr_in here(int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A connection under way; it can be written to when epoll says so. */
static int dial(int port) {
  struct sockaddr_in at = here(port);
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail(strerror(errno));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) && errno != EINPROGRESS) fail(strerror(errno));
  return fd;
}
