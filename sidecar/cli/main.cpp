#include "cli/command_line.h"
#include "cli/output.h"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  try {
    return tallygate::run_command_line(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tallygate: internal error: %s\n",
                 tallygate::visible(error.what()).c_str());
    return 1;
  }
}
