// A preloaded library that prints to stdout as libraries do: while it is loaded, while the program
// runs, and when it ends. Straight to the descriptor and through stdio.
#include <unistd.h>

#include <cstdio>
#include <pthread.h>
#include <string_view>

namespace {

void print(std::string_view text) {
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) return;  // nobody minds
  std::printf("%.*s", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

void* go_on_printing(void*) {
  constexpr useconds_t pause_us = 500;
  while (true) {
    print("noise while it runs\n");
    ::usleep(pause_us);
  }
}

class Noise {
 public:
  Noise() {
    print("noise before main\n");
    pthread_t thread{};
    ::pthread_create(&thread, nullptr, go_on_printing, nullptr);
  }
  ~Noise() { print("noise at the end\n"); }
};

const Noise noise;

}  // namespace
