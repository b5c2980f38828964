#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"

#include <filesystem>

namespace tallygate {
namespace {

void add_durability(const Premises& premises, Section& section) {
  if (premises.policy.durability == Durability::power) {
    section.ok("durability is power: every grant survives a loss of power");
  } else {
    section.ok(
        "durability is process: every grant survives the death of any process, but a loss "
        "of power may forget the latest ones");
  }
}

// Keeps what is there, its log too, and makes room for a copy or a new beginning.
std::string set_aside(const std::string& store) {
  const std::filesystem::path path(store);
  const std::string aside = shell_word(store + ".broken");
  const std::string name = path.filename().string();
  return "mkdir -m 700 " + aside + " && find " + shell_word(path.parent_path().string()) +
         " -maxdepth 1 '(' -name " + shell_word(name) + " -o -name " + shell_word(name + "-*") +
         " ')' -exec mv {} " + aside + "/ ';'  # then put a backup in its place";
}

// Of a whole file that this program cannot read: nothing in it is to be thrown away.
std::vector<std::string> other_version(const Premises& premises) {
  std::vector<std::string> remedies{"tallygate --version  # a newer store wants a newer program"};
  if (!premises.config.empty()) {
    remedies.push_back("${EDITOR:-vi} " + shell_word(premises.config) +
                       "  # name another store in [store] url");
  }
  return remedies;
}

bool is_undamaged(const Premises& premises, Inspection& store, Section& section) {
  const std::vector<std::string> damage = store.damage(premises.full);
  for (const std::string& fault : damage) {
    section.problem(ExitCode::failed, "SQLite finds it damaged: " + fault,
                    {set_aside(premises.store)});
  }
  if (damage.empty()) {
    section.ok(premises.full ? "SQLite's full check finds no damage"
                             : "SQLite's quick check finds no damage; --full looks at indexes too");
  }
  return damage.empty();
}

bool is_readable(const Premises& premises, Inspection& store, Section& section) {
  const Result<std::int64_t> version = store.begin(SystemClock().now().utc_ms);
  if (version) {
    section.ok("schema version " + std::to_string(*version) + ", read by SQLite " +
               Inspection::sqlite_version());
    return true;
  }
  if (version.error().code == ErrorCode::not_found) {
    section.note(version.error().message + "; the first sidecar makes one");
  } else if (version.error().code == ErrorCode::stale) {
    section.note(version.error().message, {premises.clearing()});
  } else {
    section.problem(ExitCode::failed, version.error().message, other_version(premises));
  }
  return false;
}

void examine_trail(const Premises& premises, Inspection& store, Section& section) {
  const AuditCheck check = store.turn().audit_check();
  if (!check.whole) {
    section.problem(ExitCode::failed,
                    "the audit trail is broken: " + check.fault +
                        "; compare it with a backup before anything else is admitted",
                    {premises.command("freeze global --reason 'the audit trail is broken'")});
    return;
  }
  JsonWriter data;
  data.begin_object().field("rows", check.rows).field("head", check.head.text()).end_object();
  const std::string since = check.pruned ? " after row " + std::to_string(check.pruned->seq) +
                                               ", up to which it was pruned"
                                         : "";
  section.findings.push_back({Health::ok,
                              "the audit trail is whole: " + std::to_string(check.rows) + " rows" +
                                  since + ", head " + check.head.text(),
                              {},
                              data.take()});
}

}  // namespace

std::unique_ptr<Inspection> examine_store(const Premises& premises, Section& section) {
  if (premises.store.empty()) {
    section.problem(ExitCode::usage,
                    "there is no place for the store: neither [store] url, nor "
                    "$XDG_STATE_HOME, nor $HOME is set",
                    {"export XDG_STATE_HOME=$PWD"});
    return nullptr;
  }
  add_durability(premises, section);
  if (is_missing(premises.store)) {
    section.note("there is no store at " + premises.store + " yet; the first sidecar makes it");
    examine_empty_place(premises, section);
    return nullptr;
  }
  section.ok(premises.store);
  if (!examine_place(premises, section)) return nullptr;
  Result<std::unique_ptr<Inspection>> store = Inspection::open(premises.store);
  if (!store) {
    section.problem(ExitCode::failed, store.error().message,
                    {"ls -l " + shell_word(premises.store)});
    return nullptr;
  }
  if (!is_undamaged(premises, **store, section)) return nullptr;
  if (!is_readable(premises, **store, section)) return nullptr;
  examine_trail(premises, **store, section);
  return std::move(store).value();
}

}  // namespace tallygate
