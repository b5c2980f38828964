// The write-ahead log, written once per transaction. Private to the room.
//
// SQLite writes each page of a transaction with two system calls, while every other writer waits. A
// layer over its VFS keeps what a COMMIT appends to the log and writes it in one piece: when SQLite
// syncs the log, which in synchronous=FULL it does after the last page and before the commit shows
// in the index that other connections read. So a piece that cannot be written fails the COMMIT like
// any other write, and what is committed is in the kernel's hands, safe from the death of the
// process. Whether it is to survive a loss of power as well, and when, is the ledger's to say.
#pragma once

#include <string>

struct sqlite3_file;

namespace tallygate {

// The name of a VFS that lies over `inner` (a registered one; empty: the default one) and gathers
// what is written to logs.
std::string gathering_vfs(const std::string& inner);

// Whether the file is a log opened through a gathering VFS.
bool gathers(const sqlite3_file* file);

// Between these two a COMMIT runs. REQUIRES: gathers(log), and synchronous=FULL. A log that begins
// anew is synced all the same: its old pages must not come back after a loss of power.
void set_committing(sqlite3_file* log, bool commits);

}  // namespace tallygate
