// How SQLite opens, reads, locks and shares files of a simulated disk.
#pragma once

#include <sqlite3.h>

namespace tallygate::simulation {

// Sets every method of a VFS that touches files. REQUIRES: its pAppData is its Process.
void direct_to_simulated_files(sqlite3_vfs& vfs);

}  // namespace tallygate::simulation
