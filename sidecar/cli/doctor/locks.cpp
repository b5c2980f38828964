#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "ledger/queue_places.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"

namespace tallygate {
namespace {

std::string calls_text(std::int64_t count) {
  return count == 1 ? "1 call" : std::to_string(count) + " calls";
}

std::string data_of(const OwnerLife& life) {
  JsonWriter out;
  out.begin_object().flag("alive", life.alive).field("pid", life.pid);
  out.field("startedAt", utc_text(life.started_ms)).field("granted", life.granted);
  return out.end_object().take();
}

void add_dead(const Premises& premises, const OwnerLife& life, bool any_alive, Section& section) {
  const std::string text = "the sidecar that started at " + utc_text(life.started_ms) + " as pid " +
                           std::to_string(life.pid) + " is dead and left " +
                           calls_text(life.granted) + " granted, with their money; ";
  if (any_alive) {
    section.problem(ExitCode::in_doubt,
                    text + "a sidecar that runs makes them in doubt within a second",
                    {premises.command("doctor")}, data_of(life));
  } else {
    section.problem(ExitCode::in_doubt,
                    text + "no sidecar runs, so the next one that starts makes them in doubt",
                    {premises.clearing()}, data_of(life));
  }
}

void try_to_enter(const std::string& file, const std::vector<QueuePlace>& places,
                  Section& section) {
  Result<WriterQueue> queue = WriterQueue::open_existing(file);
  if (!queue) {
    if (queue.error().code == ErrorCode::not_found) return section.ok("nobody has written yet");
    return section.problem(ExitCode::failed, queue.error().message, {"ls -l " + shell_word(file)});
  }
  if (queue->enter(limits::store_wait_ms)) {
    queue->leave();
    return section.ok("the queue of writers can be entered");
  }
  std::vector<std::string> remedies;
  for (const QueuePlace& place : places) {
    if (!place.waits && place.pid > 0) {
      remedies.push_back("kill " + std::to_string(place.pid) + "  # once you know that it hangs");
    }
  }
  if (remedies.empty()) remedies.push_back("fuser -v " + shell_word(file));
  section.problem(ExitCode::failed,
                  "the queue of writers could not be entered for " +
                      duration_text(limits::store_wait_ms) + "; calls are refused as store_busy",
                  remedies);
}

}  // namespace

void examine_queue(const Premises& premises, Section& section) {
  const std::string file = premises.store + ".lock";
  const std::vector<QueuePlace> places = queue_places(file);
  for (const QueuePlace& place : places) {
    section.note(process_text(place.pid) +
                 (place.waits ? " waited in the queue of writers" : " held the queue of writers") +
                 " at the moment of a look");
  }
  try_to_enter(file, places, section);
}

void examine_owners(const Premises& premises, Inspection& store, Section& section) {
  const std::vector<OwnerLife> lives = store.lives();
  for (const OwnerLife& life : lives) {
    if (!life.alive) continue;
    section.findings.push_back({Health::ok,
                                process_text(life.pid) + " serves since " +
                                    utc_text(life.started_ms) + "; " + calls_text(life.granted) +
                                    " granted",
                                {},
                                data_of(life)});
  }
  const bool any_alive = !section.findings.empty();
  if (!any_alive) section.ok("no sidecar runs on this store");
  for (const OwnerLife& life : lives) {
    if (!life.alive && life.granted > 0) add_dead(premises, life, any_alive, section);
  }
}

}  // namespace tallygate
