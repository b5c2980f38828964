// What `doctor` finds, and who looks where. Each function below looks at one thing and makes one
// section of the report.
#pragma once

#include "cli/commands.h"
#include "ledger/inspection.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tallygate {

enum class Health { ok, note, problem };

struct Finding {
  Health health = Health::ok;
  std::string text;  // one sentence; what others wrote in it is escaped on the way out
  std::vector<std::string> remedies;  // commands; any one of them will do
  std::string data;                   // a JSON object for machines, or empty
  ExitCode code = ExitCode::done;     // what a problem makes of the exit code
};

struct Section {
  std::string name;
  std::vector<Finding> findings;

  void ok(std::string text) { findings.push_back({Health::ok, std::move(text), {}, {}}); }
  void note(std::string text, std::vector<std::string> remedies = {}, std::string data = {});
  // `code` says what kind of problem it is: of the store, of the configuration, or a doubt.
  void problem(ExitCode code, std::string text, std::vector<std::string> remedies,
               std::string data = {});
};

struct Report {
  std::vector<Section> sections;

  // 1, else 2, else 7 where any problem asks for it, else 0.
  ExitCode code() const;
};
std::string in_words(const Report& report, bool in_colour);
std::string in_json(const Report& report);

// What the command was asked to look at.
struct Premises {
  CommonOptions options;
  std::string config;  // the file, or empty
  Policy policy;
  std::string store;  // its path, or empty
  bool full = false;

  // "tallygate WORDS", with -c where this command was given it.
  std::string command(const std::string& words) const;
  // A sidecar that starts, clears up what dead ones left and what is due, and ends with its input.
  std::string clearing() const;
};

// The configuration, unless it cannot be read: then nobody knows which store to look at.
std::optional<Policy> examine_config(const CommonOptions& options, Section& section);
// Whether anything lies there that can be looked at, be it a link to nowhere; and whether nothing
// does, which is not the same where a folder cannot be entered.
bool is_there(const std::string& path);
bool is_missing(const std::string& path);
// Looks at everything about the store's files but what is in them. False where that is not to be
// looked at.
bool examine_place(const Premises& premises, Section& section);
// The same for a store that is not there yet.
void examine_empty_place(const Premises& premises, Section& section);
// Opens the store as far as it can be; null where it cannot be read any further, or is not there.
std::unique_ptr<Inspection> examine_store(const Premises& premises, Section& section);
void examine_queue(const Premises& premises, Section& section);
void examine_owners(const Premises& premises, Inspection& store, Section& section);
void examine_clock(const Premises& premises, Inspection& store, Section& section);
void examine_calls(const Premises& premises, Inspection& store, Section& section);
void examine_money(const Premises& premises, Inspection& store, Section& section);
void examine_scopes(const Premises& premises, Inspection& store, Section& section);
void examine_trust(const Premises& premises, Section& section);

// The one thing here that changes something.
ExitCode accept_clock_by_hand(const CommonOptions& options);

}  // namespace tallygate
