// What the words of a command line come to.
#pragma once

namespace tallygate {

// Reads the command line and carries out what it says; the exit code of the program.
int run_command_line(int argc, char** argv);

}  // namespace tallygate
