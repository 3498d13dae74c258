/* HTTP requests, as fast as one core can send them: steady <port> <connections> <depth> <fresh> <file>.
 *
 * The file holds one request. Each connection sends it `depth` times in one write, and again when all answers have come;
 * with `fresh` 1 each write goes to a connection of its own, which the server ends. All answers must be of the first
 * one's length and status: so nothing is parsed, and for each write there are one send, one recv and a share of an
 * epoll_wait. A load that does more is slower than the servers that it is there to measure.
 *
 * Driven over standard input: says `opened <connections>`; `run <ms>` loads for so long, waits for what is under way, and
 * says `moved <requests> <microseconds> <99th percentile of a write's time, microseconds>`. */
#include "link.h"

#define PIECE (256 << 10)
#define EVENTS 256
#define STATUS 12 /* HTTP/1.1 200 */
#define SLOT 10   /* microseconds */
#define SLOTS 100000

static struct {
  int fd;
  long sent, missing;
  long long since;
} *connections;
static char piece[PIECE], status[STATUS], *batch;
static long count, depth, batch_size, answer_size;
static int epoll, port, fresh, running;
static long long now, moved, under_way;
static unsigned slots[SLOTS];

static void *wanted(void *memory) {
  if (!memory) fail("no memory");
  return memory;
}

static void push(long each) {
  ssize_t sent = send(connections[each].fd, batch + connections[each].sent, batch_size - connections[each].sent, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) fail("the server closed a connection while it was written to");
  if (sent > 0) connections[each].sent += sent;
}

static void begin(long each) {
  connections[each].sent = 0;
  connections[each].missing = answer_size * depth;
  connections[each].since = now;
  under_way++;
  if (fresh) {
    connections[each].fd = dial(port);
    watch(epoll, EPOLL_CTL_ADD, connections[each].fd, EPOLLIN | EPOLLOUT | EPOLLET, each);
  } else
    push(each);
}

static void answered(long each) {
  long long slot = (now - connections[each].since) / SLOT;
  slots[slot < SLOTS ? slot : SLOTS - 1]++;
  moved += depth;
  under_way--;
  if (running) begin(each);
}

static void pull(long each) {
  for (;;) {
    ssize_t size = recv(connections[each].fd, piece, PIECE, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) fail("a connection was reset");
    if (size == 0) {
      if (!fresh || connections[each].missing) fail("the server closed a connection before it had answered");
      close(connections[each].fd);
      return answered(each);
    }
    if (connections[each].missing == answer_size * depth && size >= STATUS && memcmp(piece, status, STATUS))
      fail("an answer is of another status than the first");
    connections[each].missing -= size;
    if (connections[each].missing < 0) fail("an answer is longer than the first");
    if (!connections[each].missing && !fresh) return answered(each);
    if (size < PIECE && !fresh) return;
  }
}

/* The first answer, which all others must be like. */
static void learn(void) {
  static char answer[4 << 20];
  long have = 0, sent = 0;
  int fd = dial(port), own = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event;
  watch(own, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLET, 0);
  while (!answer_size) {
    if (epoll_wait(own, &event, 1, 10000) != 1) fail("no answer within 10 s");
    ssize_t size = 1;
    if (sent < batch_size / depth) {
      size = send(fd, batch + sent, batch_size / depth - sent, MSG_NOSIGNAL);
      if (size > 0) sent += size;
    }
    while ((size = recv(fd, answer + have, sizeof answer - 1 - have, 0)) > 0) have += size;
    if (size < 0 && errno != EAGAIN) fail(strerror(errno));
    answer[have] = 0;
    char *head = strstr(answer, "\r\n\r\n"), *length = head ? strcasestr(answer, "\r\ncontent-length:") : NULL;
    if (fresh && size == 0) answer_size = have;
    else if (size == 0) fail("the server closed a connection before it had answered");
    if (!head || fresh) continue;
    long whole = head + 4 - answer + (length && length < head ? atol(length + 17) : 0);
    if (length && length < head ? have >= whole : have >= 5 && !memcmp(answer + have - 5, "0\r\n\r\n", 5)) answer_size = have;
  }
  if (have < STATUS) fail("the answer is too short");
  memcpy(status, answer, STATUS);
  close(fd);
  close(own);
}

static void turn(int limit) {
  struct epoll_event events[EVENTS];
  int ready = epoll_wait(epoll, events, EVENTS, limit);
  now = micros();
  for (int place = 0; place < ready; place++) {
    long each = (long)events[place].data.u64;
    if (events[place].events & EPOLLOUT && connections[each].sent < batch_size && connections[each].missing) push(each);
    if (events[place].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) pull(each);
  }
}

static void run(long ms) {
  moved = 0;
  memset(slots, 0, sizeof slots);
  long long began = now = micros();
  running = 1;
  for (long each = 0; each < count; each++) begin(each);
  while (now - began < ms * 1000) turn(100);
  running = 0;
  for (long long until = now + 10000000; under_way; turn(100))
    if (now > until) fail("answers are missing");
  long long writes = moved / depth, seen = 0, slot = 0;
  while (slot < SLOTS && (seen += slots[slot]) < writes - writes / 100) slot++;
  printf("moved %lld %lld %lld\n", moved, now - began, (slot + 1) * SLOT);
}

/* All connections, a hundred at a time: more would be dropped by a listener's queue, and come again a second later. */
static void open_all(void) {
  struct epoll_event events[EVENTS];
  for (long each = 0, open = 0; open < count;) {
    for (; each < count && each < open + 100; each++) {
      connections[each].fd = dial(port);
      watch(epoll, EPOLL_CTL_ADD, connections[each].fd, EPOLLIN | EPOLLOUT | EPOLLET, each);
    }
    int ready = epoll_wait(epoll, events, EVENTS, 10000);
    if (ready <= 0) fail("a connection was not taken within 10 s");
    for (int place = 0; place < ready; place++, open++)
      if (events[place].events & (EPOLLERR | EPOLLHUP)) fail("a connection was refused");
  }
}

int main(int given, char **arguments) {
  FILE *file = given == 6 ? fopen(arguments[5], "rb") : NULL;
  if (!file) fail("steady <port> <connections> <depth> <fresh> <file>");
  port = atoi(arguments[1]);
  count = atol(arguments[2]);
  depth = atol(arguments[3]);
  fresh = atoi(arguments[4]);
  char *request = wanted(malloc(1 << 20));
  long size = (long)fread(request, 1, 1 << 20, file);
  fclose(file);
  batch_size = size * depth;
  batch = wanted(malloc((size_t)batch_size));
  for (long each = 0; each < depth; each++) memcpy(batch + each * size, request, (size_t)size);
  connections = wanted(calloc((size_t)count, sizeof *connections));
  epoll = epoll_create1(EPOLL_CLOEXEC);
  learn();
  if (!fresh) open_all();
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("opened %ld\n", count);
  char line[64];
  long ms;
  while (fgets(line, sizeof line, stdin))
    if (sscanf(line, "run %ld", &ms) == 1) run(ms);
  return 0;
}
