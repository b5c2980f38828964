// Measures governed calls against the floor and prints one table.
#include "lab.h"
#include "options.h"
#include "report.h"
#include "scenarios.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace tallygate::bench;
  const auto options = read_options(argc, argv);
  if (!options) return 2;
  try {
    Report report;
    Lab lab(*options);
    measure_sequential(*options, lab, report);
    print(report, *options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
