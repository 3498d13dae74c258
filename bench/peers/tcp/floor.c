// What the kernel alone costs: the far end of bench/load/tcp-traffic.mjs with nothing around its system calls. One
// epoll_wait for all connections, one recv for what has come, one send for what is answered; no limits, no timeouts, no
// memory of its own, and what cannot be sent at once of an echo is lost.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 16384
#define EVENTS 64
/* As node:net reads, and the blocks in which bench/load/tcp-protocol.mjs sends. */
#define PIECE 65536

static struct {
  char letter, ended;
  long long bytes;
} state[CONNECTIONS];
static char buffer[PIECE], block[PIECE];
static int epoll;

static void watch(int fd, int operation, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  epoll_ctl(epoll, operation, fd, &event);
}

static void fill(int fd) {
  while (state[fd].bytes > 0) {
    size_t size = state[fd].bytes < PIECE ? (size_t)state[fd].bytes : PIECE;
    ssize_t sent = send(fd, block, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return watch(fd, EPOLL_CTL_MOD, EPOLLOUT | (state[fd].ended ? 0 : EPOLLIN));
    if (sent < 0) break;
    state[fd].bytes -= sent;
  }
  shutdown(fd, SHUT_WR);
  if (state[fd].ended) close(fd);
  else watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

static void ended(int fd) {
  char text[24];
  if (state[fd].letter == 'D' && state[fd].bytes > 0) {
    state[fd].ended = 1;
    return watch(fd, EPOLL_CTL_MOD, EPOLLOUT);
  }
  if (state[fd].letter == 'U') send(fd, text, snprintf(text, sizeof text, "%lld", state[fd].bytes), MSG_NOSIGNAL);
  close(fd);
}

static void arrived(int fd) {
  ssize_t size = recv(fd, buffer, PIECE, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return ended(fd);
  char *from = buffer;
  if (!state[fd].letter) {
    state[fd].letter = *from++;
    size--;
    if (state[fd].letter == 'D') {
      from[size < PIECE - 1 ? size : PIECE - 2] = 0;
      state[fd].bytes = atoll(from);
      return fill(fd);
    }
  }
  if (state[fd].letter == 'E' && size > 0) send(fd, from, size, MSG_NOSIGNAL);
  if (state[fd].letter == 'U') state[fd].bytes += size;
}

int main(int count, char **arguments) {
  FILE *file = count == 2 ? fopen(arguments[1], "r") : NULL;
  int port = 0, on = 1;
  if (!file || fscanf(file, "%d", &port) != 1) return fprintf(stderr, "floor: no port\n"), 2;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) return perror("floor"), 1;
  epoll = epoll_create1(0);
  watch(listener, EPOLL_CTL_ADD, EPOLLIN);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int place = 0; place < ready; place++) {
      int fd = events[place].data.fd;
      if (fd != listener) {
        if (events[place].events & EPOLLOUT) fill(fd);
        else arrived(fd);
        continue;
      }
      int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (accepted >= CONNECTIONS) close(accepted);
      if (accepted < 0 || accepted >= CONNECTIONS) continue;
      memset(&state[accepted], 0, sizeof state[accepted]);
      watch(accepted, EPOLL_CTL_ADD, EPOLLIN);
    }
  }
}
