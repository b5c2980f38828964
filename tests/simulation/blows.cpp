// Turns of a sidecar, and what strikes in and after them.
#include "simulation/world.h"

#include <algorithm>
#include <cstdio>

namespace tallygate::simulation {
namespace {

std::string ordinal(const Fault& fault) {
  if (fault.call == Call::sync) return "a sync";
  return fault.nth == 1 ? "the first write" : fault.nth <= 4 ? "an early write" : "a late write";
}

}  // namespace

void World::complain(const std::string& what) {
  if (complaint_.empty()) complaint_ = what;
}

std::string World::complaint() const {
  return complaint_.empty() ? witness_.complaint() : complaint_;
}

// FNV-1a: one number for the whole transcript.
void World::record(const std::string& line) {
  for (const char byte : line) {
    digest_ = (digest_ ^ static_cast<unsigned char>(byte)) * 0x0000'0100'0000'01B3;
  }
  if (verbose_) std::printf("%s\n", line.c_str());
}

Fault World::draw_fault(std::int64_t once_in) {
  if (!unlucky(once_in)) return {};
  Fault fault;
  fault.call = dice_.one_in(3) ? Call::sync : Call::write;
  constexpr int reach[] = {1, 1, 1, 6, 40};
  fault.nth =
      static_cast<int>(1 + dice_.below(fault.call == Call::sync ? 2 : reach[dice_.below(5)]));
  fault.blow = static_cast<Blow>(dice_.below(luck_.power > 0 ? 4 : 3));
  return fault;
}

void World::note_blow(const Fault& fault, const std::string& kind) {
  coverage_.hit("at " + ordinal(fault) + " of " + kind, fault.blow);
  record("struck at " + ordinal(fault) + " of " + kind);
}

// Who opens a store that nobody else has open must find it so, and so must who leaves it.
void World::step_aside(const Sidecar& mover) {
  const auto has_it_open = [&](const auto& other) {
    return other.get() != &mover && other->lives();
  };
  if (std::ranges::none_of(sidecars_, has_it_open)) observer_.close();
}

void World::birth(Sidecar& sidecar) {
  step_aside(sidecar);
  const Fault fault = draw_fault(luck_.fault > 0 && !disk_.full && events_ > 0 ? 8 : 0);
  const bool started = sidecar.start(++lives_, now_, fault);
  record("life " + std::to_string(lives_) + (started ? " begins" : " does not begin"));
  ++coverage_.count("lives");
  if (sidecar.fired()) note_blow(fault, "an opening");
  if (!disk_.powered()) lose_power(policies_[0]);
}

void World::turn(Sidecar& sidecar, std::size_t count, bool end_input, const Fault& fault) {
  record("turn of life " + std::to_string(sidecar.life()) + " at " + std::to_string(now_.boot_ms));
  const Actor actor = sidecar.actor(now_, end_input);
  Sidecar::Spoken spoken = sidecar.turn(count, actor, fault);
  for (const Letter& letter : spoken.letters) record("> " + letter.line);
  events_ += std::max<std::int64_t>(static_cast<std::int64_t>(spoken.letters.size()), 1);
  ++coverage_.count("turns");
  if (sidecar.fired()) note_blow(fault, spoken.kind);
  if (!disk_.powered()) return lose_power(*actor.policy);
  witness_.see(observer_, actor);
  if (spoken.died) return kill(sidecar);
  if (const std::string why = sidecar.broke_by_itself(); !why.empty()) {
    complain("the store failed on a sound disk: " + why);
  }
  complain(spoken.wrong);
  follow(sidecar, std::move(spoken), actor);
}

// The lines leave one by one, and the process may die between any two of them.
void World::follow(Sidecar& sidecar, Sidecar::Spoken spoken, const Actor& actor) {
  const bool spoke = !spoken.lines.empty();
  for (Sidecar::Line& line : spoken.lines) {
    witness_.said(actor, line.said);
    complain(sidecar.send(std::move(line)));
  }
  if (!sidecar.is_broken()) witness_.kept();
  const std::size_t lines = std::min(sidecar.unread(), sidecar.host().reads(actor.now.boot_ms));
  if (unlucky(luck_.kill) && spoke) {
    const std::size_t left = lines == 0 ? 0 : dice_.next() % lines;
    deliver(sidecar, actor, left);
    const bool power = luck_.power > 0 && dice_.one_in(4);
    coverage_.hit(left == 0 ? "after the commit, before its lines leave" : "between two lines",
                  power ? Blow::power : Blow::crash);
    if (!power) return kill(sidecar);
    disk_.cut_power();
    return lose_power(*actor.policy);
  }
  // Before it leaves, it says what it has to; its host need not be there any more.
  deliver(sidecar, actor, spoken.finished && dice_.one_in(2) ? sidecar.unread() : lines);
  if (!spoken.finished) return;
  if (const std::string open = sidecar.unanswered(); !open.empty()) complain(open);
  step_aside(sidecar);
  sidecar.leave();
}

void World::deliver(Sidecar& sidecar, const Actor& actor, std::size_t count) {
  for (; count > 0; --count) {
    const auto line = sidecar.let_go(now_.boot_ms);
    if (!line) return;
    record("< " + line->text);
    if (line->execute_id != 0) witness_.asked(actor, line->said);
    sidecar.host().hear(line->said, now_.boot_ms);
  }
}

void World::tidy(Sidecar& sidecar, bool idle) {
  // Only few of these moments move anything.
  const Fault fault = draw_fault(idle && luck_.fault > 0 ? 1 : 0);
  const bool lives = sidecar.rest(idle, fault);
  if (sidecar.fired()) note_blow(fault, "a checkpoint");
  if (!disk_.powered()) return lose_power(policies_[0]);
  if (!lives) kill(sidecar);
}

void World::kill(Sidecar& sidecar) {
  record("life " + std::to_string(sidecar.life()) + " is killed");
  ++coverage_.count("kills");
  step_aside(sidecar);
  sidecar.die();
}

// Everything dies at once, and what was not synced may be gone.
void World::lose_power(const Policy& in_flight) {
  record("the power is lost");
  ++coverage_.count("power losses");
  for (auto& sidecar : sidecars_) {
    if (sidecar->lives()) kill(*sidecar);
  }
  observer_.close();
  disk_.restore_power(dice_);
  now_.boot_ms = 1000 + dice_.below(100'000);
  now_.utc_ms += dice_.below(60'000);
  witness_.see_after_power_loss(observer_, in_flight);
}

}  // namespace tallygate::simulation
