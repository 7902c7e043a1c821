#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "probe/record.h"

static void describe_address(struct assay_probe_event* event, const struct sockaddr* address, socklen_t length) {
  char text[INET6_ADDRSTRLEN];
  event->kind = assay_kind_socket;
  if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    snprintf(event->peer, sizeof event->peer, "%s:%u", text, (unsigned)ntohs(in.sin_port));
  } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 in;
    memcpy(&in, address, sizeof in);
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    snprintf(event->peer, sizeof event->peer, "[%s]:%u", text, (unsigned)ntohs(in.sin6_port));
  } else if (address->sa_family == AF_UNIX) {
    size_t room = length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
    const char* path = (const char*)address + offsetof(struct sockaddr_un, sun_path);
    if (room > 0 && path[0] != '\0') {
      snprintf(event->peer, sizeof event->peer, "%.*s", (int)room, path);
    } else {
      snprintf(event->peer, sizeof event->peer, "a UNIX socket");
    }
  }
}

static void describe_path(struct assay_probe_event* event, int descriptor) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, event->peer, sizeof event->peer - 1);
  if (length <= 0) return;
  event->peer[length] = '\0';
  event->kind = assay_kind_path;
}

static void describe_descriptor(struct assay_probe_event* event, int descriptor) {
  union {
    struct sockaddr any;
    struct sockaddr_storage storage;
  } peer;
  socklen_t length = sizeof peer;
  // Who listens has no peer yet: it is known by its own address.
  const bool listens = event->call == assay_call_accept;
  if ((listens ? getsockname : getpeername)(descriptor, &peer.any, &length) == 0) {
    describe_address(event, &peer.any, length);
  } else {
    describe_path(event, descriptor);
  }
}

void probe_describe(struct assay_probe_event* event, struct probe_subject subject) {
  if (subject.host != NULL) {
    event->kind = assay_kind_host;
    snprintf(event->peer, sizeof event->peer, "%s", subject.host);
  } else if (subject.path != NULL) {
    event->kind = assay_kind_path;
    snprintf(event->peer, sizeof event->peer, "%s", subject.path);
  } else if (subject.address != NULL && subject.address_length >= sizeof(sa_family_t)) {
    describe_address(event, subject.address, subject.address_length);
  } else if (subject.descriptor >= 0) {
    describe_descriptor(event, subject.descriptor);
  }
}
