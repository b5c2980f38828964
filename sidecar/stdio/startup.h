// What is so before anything else runs, in every program that this is linked into: 0, 1 and 2 are
// open, so that no file of ours is ever taken for one of them, and stdout is out of reach of
// libraries that print while they are loaded; they print to stderr.
//
// Where one of the three was closed, nothing can be read from 0 or written to 1, and what is
// written to 2 is lost.
#pragma once

namespace tallygate {

// Whether the stdout that we were started with can be written to.
bool has_stdout();

// For programs that print: stdout is again what we were started with. Once is enough.
void give_stdout_back();

// A duplicate of the stdout that we were started with, for the caller alone.
int take_stdout();

}  // namespace tallygate
