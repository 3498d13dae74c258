/* Both ends of TCP traffic, with nothing around the system calls: tcp-traffic [port]. It listens itself, as what is behind
 * a relay, and says `listening <port>`.
 *
 * A connection begins with a letter: `E` has what follows echoed; `D<bytes>` and a line feed are answered with so many
 * bytes and the end; after `U` bytes are counted until the end and their number is the answer. So do the servers of
 * bench/load/tcp-protocol.mjs. Driven over standard input:
 *
 * - `open <port> <count>` opens so many more connections of `E` and says `opened <of all>`;
 * - `pingpong <size> <ms>` has each send so many bytes, and again when they have come back: `moved <times> <ms>`;
 * - `ping` sends one byte on each and says `answered <how many>`;
 * - `volume <port> <D | U> <bytes>` moves so many over a connection of its own and says `read <bytes> <ms>`.
 *
 * Messages are small here: what a socket does not take of one at once ends the program. */
#include "link.h"

#ifndef PIECE
#define PIECE (256 << 10)
#endif
#define DESCRIPTORS 32768
#define EVENTS 256
#define AT_ONCE 100
#define MOST_MS 120000

enum role { LISTENER = 1, COMMANDS, SERVED, PINGER, VOLUME };

static struct {
  enum role role;
  char letter, ended;
  long long bytes; /* Left to send, counted, or missing of an echo. */
} state[DESCRIPTORS];
static char piece[PIECE], block[PIECE];
static int epoll, pingers[DESCRIPTORS];
static long pinger_count, size, running, connected, under_way, gone;
static long long moved, got;

static void enter(int fd, enum role role) {
  if (fd < 0 || fd >= DESCRIPTORS) fail("no descriptor is left");
  memset(&state[fd], 0, sizeof state[fd]);
  state[fd].role = role;
  watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | (role > COMMANDS ? EPOLLOUT | EPOLLRDHUP | EPOLLET : 0), fd);
}

static void leave(int fd) {
  close(fd);
  if (state[fd].role == VOLUME) under_way = 0;
  if (state[fd].role == PINGER) gone++;
  state[fd].role = 0;
}

/* Sends what is left to send, and the end. */
static void fill(int fd) {
  while (state[fd].bytes > 0) {
    ssize_t sent = send(fd, block, state[fd].bytes < PIECE ? (size_t)state[fd].bytes : PIECE, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return leave(fd);
    state[fd].bytes -= sent;
  }
  shutdown(fd, SHUT_WR);
  if (state[fd].ended) leave(fd);
}

static void say(int fd, const char *bytes, size_t length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) fail("a message did not go out at once");
}

/* The other side has ended. */
static void ended(int fd) {
  char text[24];
  state[fd].ended = 1;
  if (state[fd].letter == 'D' && state[fd].bytes > 0) return;
  if (state[fd].letter == 'U') say(fd, text, (size_t)snprintf(text, sizeof text, "%lld", state[fd].bytes));
  leave(fd);
}

static void served(int fd, char *from, ssize_t length) {
  if (!state[fd].letter && length > 0) {
    state[fd].letter = *from++;
    length--;
    if (state[fd].letter == 'D') {
      from[length < PIECE - 1 ? length : PIECE - 2] = 0;
      state[fd].bytes = atoll(from);
      return fill(fd);
    }
  }
  if (state[fd].letter == 'E' && length > 0) say(fd, from, (size_t)length);
  if (state[fd].letter == 'U') state[fd].bytes += length;
}

static void echoed(int fd, ssize_t length) {
  state[fd].bytes -= length;
  if (state[fd].bytes < 0) fail("more came back than was sent");
  if (state[fd].bytes) return;
  moved++;
  under_way--;
  if (!running) return;
  state[fd].bytes = size;
  under_way++;
  say(fd, block, (size_t)size);
}

/* What has come, and with `whole` also that no more will: of both, epoll tells once. */
static void arrived(int fd, int whole) {
  ssize_t length = PIECE;
  while (state[fd].role && (length == PIECE || whole)) {
    length = recv(fd, piece, PIECE, 0);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0 && state[fd].role == SERVED) return state[fd].ended ? (void)0 : ended(fd);
    if (length <= 0) return leave(fd);
    if (state[fd].role == SERVED) served(fd, piece, length);
    else if (state[fd].role == PINGER) echoed(fd, length);
    else if (state[fd].letter == 'D') got += length;
    else {
      piece[length < PIECE ? length : PIECE - 1] = 0;
      got = atoll(piece);
    }
  }
}

static void greeted(int fd) {
  if (state[fd].letter) return;
  state[fd].letter = 'E';
  connected++;
  say(fd, "E", 1);
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    enter(fd, SERVED);
  }
}

/* Whether a command waits. */
static int turn(int limit) {
  struct epoll_event events[EVENTS];
  int commands = 0, ready = epoll_wait(epoll, events, EVENTS, limit);
  for (int place = 0; place < ready; place++) {
    int fd = (int)events[place].data.u64;
    unsigned what = events[place].events;
    if (state[fd].role == COMMANDS) commands = 1;
    else if (state[fd].role == LISTENER) accept_all(fd);
    else {
      if (what & EPOLLOUT && state[fd].role == PINGER && !(what & EPOLLERR)) greeted(fd);
      if (what & EPOLLOUT && state[fd].bytes > 0 && (state[fd].role == VOLUME || state[fd].letter == 'D')) fill(fd);
      unsigned over = what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
      if (over || what & EPOLLIN) arrived(fd, over != 0);
    }
  }
  return commands;
}

static void until_done(void) {
  for (long long limit = micros() + MOST_MS * 1000LL; under_way > 0; turn(100))
    if (gone || micros() > limit) fail(gone ? "a connection has gone" : "answers are missing");
}

static double ms_since(long long began) { return (double)(micros() - began) / 1e3; }

static void open_more(int port, long count) {
  long had = pinger_count, long_ago = connected;
  while (connected < long_ago + count && !gone) {
    while (pinger_count < had + count && pinger_count - had < connected - long_ago + AT_ONCE) {
      int fd = dial(port);
      enter(fd, PINGER);
      pingers[pinger_count++] = fd;
    }
    turn(100);
  }
  printf("opened %ld\n", connected);
}

/* One message on each, and, for so many ms, another when it has come back. */
static double bounce(long bytes, long ms) {
  size = bytes;
  moved = 0;
  running = ms > 0;
  long long began = micros();
  for (long each = 0; each < pinger_count; each++) {
    state[pingers[each]].bytes = size;
    under_way++;
    say(pingers[each], block, (size_t)size);
  }
  while (micros() - began < ms * 1000) turn(100);
  running = 0;
  until_done();
  return ms_since(began);
}

static void volume(int port, char way, long long bytes) {
  char text[32];
  int fd = dial(port);
  got = 0;
  under_way = 1;
  long long began = micros();
  struct epoll_event event;
  int own = epoll_create1(EPOLL_CLOEXEC);
  watch(own, EPOLL_CTL_ADD, fd, EPOLLOUT, fd);
  if (epoll_wait(own, &event, 1, 10000) != 1) fail("a connection was not taken within 10 s");
  close(own);
  say(fd, text, (size_t)(way == 'D' ? snprintf(text, sizeof text, "D%lld\n", bytes) : snprintf(text, sizeof text, "U")));
  enter(fd, VOLUME);
  state[fd].letter = way;
  if (way == 'D') shutdown(fd, SHUT_WR);
  else {
    state[fd].bytes = bytes;
    fill(fd);
  }
  until_done();
  printf("read %lld %.3f\n", got, ms_since(began));
}

static void obey(const char *line) {
  int port;
  long count, ms;
  long long bytes;
  char way;
  if (sscanf(line, "open %d %ld", &port, &count) == 2) open_more(port, count);
  else if (sscanf(line, "pingpong %ld %ld", &count, &ms) == 2 && count > 0 && count <= PIECE) {
    double took = bounce(count, ms);
    printf("moved %lld %.3f\n", moved, took);
  } else if (!strncmp(line, "ping", 4)) {
    bounce(1, 0);
    printf("answered %lld\n", moved);
  } else if (sscanf(line, "volume %d %c %lld", &port, &way, &bytes) == 3) volume(port, way, bytes);
}

int main(int given, char **arguments) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in at = here(given > 1 ? atoi(arguments[1]) : 0);
  socklen_t length = sizeof at;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) fail(strerror(errno));
  getsockname(listener, (struct sockaddr *)&at, &length);
  memset(block, 'x', sizeof block);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  enter(listener, LISTENER);
  enter(0, COMMANDS);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("listening %d\n", ntohs(at.sin_port));
  /* A command line is short and comes in one piece: read past stdio, which would hide from epoll what it has taken. */
  for (char line[256];;) {
    if (!turn(-1)) continue;
    ssize_t have = read(0, line, sizeof line - 1);
    if (have <= 0) return 0;
    line[have] = 0;
    obey(line);
  }
}
