// Who acts when, how time passes, and how a world ends.
#include "simulation/world.h"

#include "support/books.h"

#include <algorithm>
#include <cstdio>

namespace tallygate::simulation {
namespace {

constexpr std::size_t all_letters = 256;
constexpr std::int64_t rest_ms = 3 * 86'400'000LL;  // every deadline has come by then

// Each world knows only some kinds of bad luck, so that one does not hide the other.
std::int64_t draw_luck(Dice& dice, std::int64_t often) {
  return dice.one_in(3) ? 0 : often / 2 + dice.below(4 * often);
}

std::string draw_agent(Dice& dice) {
  constexpr const char* agents[] = {"ann", "bob", "default"};
  return agents[dice.below(3)];
}

}  // namespace

World::World(std::uint64_t seed, const std::string& folder, Coverage& coverage, bool verbose)
    : dice_(seed),
      coverage_(coverage),
      verbose_(verbose),
      power_durable_(dice_.below(3) != 0),
      witness_(coverage, power_durable_),
      observer_(disk_, folder + "/store.db") {
  draw_lucks();
  const std::string text = draw_policy_text(dice_, false);
  policies_.push_back(load_setting(text));
  // Now and then two sidecars of one store have different caps.
  policies_.push_back(dice_.one_in(4) ? load_setting(draw_policy_text(dice_, true)) : policies_[0]);
  options_.path = folder + "/store.db";
  options_.power_durable = power_durable_;
  operator_ = std::make_unique<Operator>(disk_, options_, policies_[0], dice_, witness_, coverage_);
  const std::int64_t count = 2 + dice_.below(2);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t skew_ms = dice_.one_in(3) ? dice_.below(3000) - 1500 : 0;
    Holder holder{draw_agent(dice_), dice_.one_in(2) ? "r1" : "r2"};
    sidecars_.push_back(std::make_unique<Sidecar>(
        Sidecar::Place{&disk_, options_, &policies_[i == 0 ? 1 : 0], std::move(holder), skew_ms},
        dice_, witness_, memory_));
  }
}

void World::draw_lucks() {
  luck_ = Luck{draw_luck(dice_, 40),
               draw_luck(dice_, 150),
               draw_luck(dice_, 10),
               draw_luck(dice_, 40),
               draw_luck(dice_, 200),
               draw_luck(dice_, 60),
               dice_.one_in(3) ? 6 + dice_.below(12) : 20 + dice_.below(60),
               draw_luck(dice_, 60)};
  luck_.people = dice_.one_in(6) ? 0 : 8 + dice_.below(dice_.one_in(3) ? 60 : 16);
  luck_.spoil = dice_.one_in(3) ? 100 : 0;
  memory_.names_max = dice_.one_in(3) ? 6 : 40;
  memory_.held_often = dice_.one_in(12) ? 2 : 0;
  if (!dice_.one_in(5)) return;
  // Nobody dies: what is lost, reconciled and run again is so within one life.
  luck_.kill = luck_.power = luck_.fault = luck_.end = 0;
  luck_.act = 6 + dice_.below(12);
  memory_.names_max = 6;
}

std::string World::run(std::int64_t events) {
  while (events_ < events && complaint().empty()) step();
  if (complaint().empty()) come_to_rest();
  if (complaint().empty()) check_the_store();
  for (auto& sidecar : sidecars_) {
    if (sidecar->lives()) kill(*sidecar);
  }
  observer_.close();
  return complaint();
}

void World::step() {
  pass_time();
  if (unlucky(luck_.jump)) jump();
  // Somebody mends a clock that stands behind.
  if (dice_.one_in(12)) now_.utc_ms = std::max(now_.utc_ms, newest_utc_ms_);
  if (unlucky(luck_.full)) {
    disk_.full = true;
    ++coverage_.count("times the disk was full for a while");
  }
  if (disk_.full && dice_.one_in(10)) disk_.full = false;
  if (unlucky(luck_.act)) act();
  if (unlucky(luck_.people)) let_people_answer();
  if (unlucky(luck_.spoil)) spoil();
  if (unlucky(luck_.power)) {
    const auto runs_bodies = [](const auto& it) { return it->lives() && it->host().runs_bodies(); };
    const bool in_bodies = std::ranges::any_of(sidecars_, runs_bodies);
    coverage_.hit(in_bodies ? "while a body runs" : "between turns", Blow::power);
    disk_.cut_power();
    lose_power(policies_[0]);
  }
  Sidecar& sidecar = *sidecars_[static_cast<std::size_t>(
      dice_.below(static_cast<std::int64_t>(sidecars_.size())))];
  if (!sidecar.lives()) {
    if (dice_.one_in(3)) birth(sidecar);
    return;
  }
  serve(sidecar);
}

void World::pass_time() {
  std::int64_t ms = 0;
  switch (dice_.below(32)) {
    case 0:
    case 1: ms = dice_.below(40'000); break;
    case 2:
    case 3:
    case 4: ms = dice_.below(1200); break;
    case 5:
    case 6:
    case 7:
    case 8: break;
    default: ms = dice_.below(20);
  }
  now_.utc_ms += ms;
  now_.boot_ms += ms;
}

// The wall clock alone, as someone who sets it does.
void World::jump() {
  ++coverage_.count("jumps of the wall clock");
  constexpr std::int64_t day_ms = 86'400'000;
  newest_utc_ms_ = std::max(newest_utc_ms_, now_.utc_ms);
  const std::int64_t next_day = (now_.utc_ms / day_ms + 1) * day_ms;
  switch (dice_.below(6)) {
    case 5: now_.utc_ms = next_day - dice_.below(10'000); break;
    case 0: now_.utc_ms -= dice_.below(5000); break;
    case 1: now_.utc_ms -= 5000 + dice_.below(60'000); break;
    case 2: now_.utc_ms += dice_.below(60'000); break;
    case 3: now_.utc_ms = next_day - 2 + dice_.below(4); break;
    default: now_.utc_ms = window_span(Window::month, now_.utc_ms).ends_ms.value_or(0) - 2;
  }
}

void World::serve(Sidecar& sidecar) {
  Host& host = sidecar.host();
  if (dice_.one_in(32)) {
    host.stop_reading(now_.boot_ms);
    ++coverage_.count("times a host did not read for a while");
  }
  if (dice_.one_in(2)) {
    deliver(sidecar, sidecar.actor(now_, false), host.reads(now_.boot_ms));
  }
  const std::int64_t talk = dice_.one_in(3)    ? 0
                            : dice_.one_in(20) ? 40 + dice_.below(300)
                                               : dice_.below(26);
  for (std::int64_t i = 0; i < talk; ++i) host.speak();
  host.answer(now_.boot_ms);
  const bool ends = unlucky(luck_.end);
  if (ends && dice_.one_in(2)) host.ask_to_shut_down();
  // A broken store is soon noticed, and its sidecar started anew.
  const bool broken = sidecar.is_broken() && dice_.one_in(4);
  disk_.writer_elsewhere = unlucky(luck_.busy);
  if (disk_.writer_elsewhere) ++coverage_.count("times somebody else held the store");
  const std::size_t count =
      dice_.one_in(4) ? static_cast<std::size_t>(dice_.below(8)) : all_letters;
  // Ends and wakes are rare, and few of them write anything; nor do many turns only settle.
  std::int64_t odds = luck_.fault;
  if (odds > 0 && talk == 0) odds = host.waiting() == 0 ? 2 : std::max<std::int64_t>(odds / 3, 2);
  if (odds > 0 && ends) odds = 1;
  turn(sidecar, count, ends || broken, draw_fault(odds));
  disk_.writer_elsewhere = false;
  if (!sidecar.lives()) return;
  tidy(sidecar, dice_.one_in(8));
  if (sidecar.lives() && unlucky(luck_.kill)) {
    coverage_.hit(sidecar.host().runs_bodies() ? "while a body runs" : "between turns",
                  Blow::crash);
    kill(sidecar);
  }
}

void World::act() {
  const Fault fault = draw_fault(luck_.fault > 0 ? 4 : 0);
  note_act(operator_->act(now_, fault), fault, "an operator's act");
}

void World::let_people_answer() {
  const Fault fault = draw_fault(luck_.fault > 0 ? 6 : 0);
  const Operator::Outcome outcome = operator_->answer_some(now_, fault);
  note_act(outcome, fault, "a person's answer");
  if (!outcome.kept || luck_.power == 0 || !dice_.one_in(16)) return;
  coverage_.hit("after a person's answer", Blow::power);
  disk_.cut_power();
  lose_power(policies_[0]);
}

// Somebody edits the store behind everybody's back.
void World::spoil() {
  const std::vector<std::string> held = witness_.held();
  if (held.empty()) return;
  const std::string& action = held[dice_.next() % held.size()];
  ++coverage_.count("held calls whose arguments were changed in the store");
  if (observer_.spoil(witness_.key_of(action))) witness_.spoiled(action);
}

void World::note_act(const Operator::Outcome& outcome, const Fault& fault, const char* kind) {
  if (outcome.fired) note_blow(fault, kind);
  if (!disk_.powered()) return lose_power(policies_[0]);
  witness_.see(observer_, Actor{0, now_, false, &policies_[0]});
  if (outcome.kept) witness_.kept();
}

// No more bad luck: every host says farewell, every grant is found, every doubt is ended.
void World::come_to_rest() {
  luck_ = {};
  disk_.full = false;
  for (auto& sidecar : sidecars_) {
    if (!sidecar->lives()) continue;
    sidecar->host().read_on();
    for (int i = 0; i < 64 && sidecar->host().waiting() > 0; ++i) {
      turn(*sidecar, all_letters, false, {});
    }
    turn(*sidecar, all_letters, true, {});
  }
  // Whatever somebody runs by himself is due by then.
  now_.utc_ms = std::max(now_.utc_ms, witness_.newest_ms()) + rest_ms;
  for (auto& sidecar : sidecars_) {
    birth(*sidecar);
    if (!sidecar->lives()) return complain("no start on a sound disk: " + sidecar->refusal());
    sidecar->host().speak();
    turn(*sidecar, 2, false, {});
  }
  if (!operator_->reconcile_all(witness_.in_doubt(), now_)) complain("a doubt would not end");
  witness_.see(observer_, Actor{0, now_, false, &policies_[0]});
  for (auto& sidecar : sidecars_) turn(*sidecar, 0, true, {});
}

void World::check_the_store() {
  witness_.check_at_rest();
  if (const std::string said = observer_.integrity(); said != "ok")
    complain("SQLite says: " + said);
  observer_.close();
  complain(operator_->check_trail(now_));
  RawStore store(options_.path, observer_.vfs().c_str());
  complain(Books(store).complaint());
}

}  // namespace tallygate::simulation
