// faulty overflow|overrun|leak: a program with one fault, which its sanitizer must end. A sanitizer
// that only reports would let every other test of that build pass.
#include <climits>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

// Out of sight of the optimiser.
volatile int one = 1;
void* volatile lost = nullptr;

int overflow() { return INT_MAX - 1 + one + one; }

int overrun() {
  int* const numbers = new int[4]{};
  const int read = numbers[4 * one];
  delete[] numbers;
  return read;
}

int leak() {
  lost = std::malloc(1000);
  lost = nullptr;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view fault = argc == 2 ? argv[1] : "";
  if (fault != "overflow" && fault != "overrun" && fault != "leak") return 0;
  const int result = fault == "overflow" ? overflow() : fault == "overrun" ? overrun() : leak();
  std::printf("survived: %d\n", result);
  return 0;
}
