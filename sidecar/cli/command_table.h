// Every command with its words: the one place where they are declared.
#pragma once

#include "cli/command_tree.h"
#include "cli/commands.h"

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace tallygate {

// What the command line said; lives for as long as the parser writes into it.
struct Words {
  CommonOptions common;
  ServeOptions serve;
  CallOptions call;
  ReconcileOptions reconcile;
  BudgetOptions budget;
  ExportOptions exported;
  PruneOptions prune;
  TopUpOptions topup;
  ScopeOptions scope;
  ResolutionOptions resolution;
  DoctorOptions doctor;
  InitOptions init;
  RunOptions run;
  ProposeOptions propose;
  CompleteOptions complete;
  std::string head, shell, policy_file;
  std::int64_t rows = 20;
  std::int64_t watch_s = 0;  // 0: list once
  ExitCode code = ExitCode::done;
};

// Declares every command. Each, once it was read, carries itself out and leaves its code in
// `words`. A footer is made of notes, then of a paragraph that begins with "Exit codes: ", then of
// lines that begin with "Example: "; the tests run every example.
void declare_commands(CLI::App& app, Words& words);

// The same as plain values.
CommandShape shape_of(const CLI::App& app);

}  // namespace tallygate
