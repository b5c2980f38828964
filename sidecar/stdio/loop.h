// The event loop: bytes in, turns of the kernel, lines out. One thread.
#pragma once

#include "kernel/kernel.h"
#include "kernel/seams.h"

#include <memory>

namespace tallygate {

struct LoopDescriptors {
  int input = -1, output = -1;  // owned by the loop from here on
  int parent = -1;              // readable when our parent is dead; -1: not watched
};

// Serves the host until its end of input, SIGTERM, SIGINT, SIGHUP (unless that is ignored) or the
// death of the parent, and for at most two seconds more until everything answered has left. False
// when input or output failed otherwise than by the host's leaving: a full disk, a folder.
bool run_loop(Kernel& kernel, Clock& clock, const LoopDescriptors& descriptors);

}  // namespace tallygate
