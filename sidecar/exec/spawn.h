// Starts a process for a command, and holds it before its program. The only file that says
// Boost.Process is spawn.cpp.
#pragma once

#include "ledger/store_file.h"
#include "policy/exec_template.h"

#include <sys/types.h>

#include <variant>

namespace tallygate {

// A process that leads a session and a group of its own, and waits. It holds no descriptor of ours
// but its ends of these, has every signal as it is by default, and dies when we die.
struct Spawned {
  pid_t pid = -1;
  FileDescriptor gate;    // a byte lets it run its program; closed without one, it exits instead
  FileDescriptor status;  // a SpawnFault, or the end of file once its program runs
  FileDescriptor in, out, err;
};

// Why a program never ran, as its process tells it.
struct SpawnFault {
  enum class Step : int { enter_folder, run_program };
  Step step = Step::run_program;
  int error = 0;  // errno
};

// The errno where no process could be made.
struct NoProcess {
  int error = 0;
};

// Nothing of the command has happened yet; its text may be forgotten afterwards.
std::variant<Spawned, NoProcess> spawn_held(const Command& command);

}  // namespace tallygate
