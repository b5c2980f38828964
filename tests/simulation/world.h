// One world: a store, the sidecars and hosts that share it, an operator, a clock, a disk and bad
// luck, all from one seed.
//
// Injected, and therefore promised to be survived: see README.md.
#pragma once

#include "simulation/coverage.h"
#include "simulation/operator.h"
#include "simulation/sidecar.h"
#include "support/temp_folder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tallygate::simulation {

class World {
 public:
  // `folder` is where the files stand that the program opens past SQLite.
  World(std::uint64_t seed, const std::string& folder, Coverage& coverage, bool verbose);

  // Lives for about this many events, then comes to rest. What broke a promise; empty: nothing.
  std::string run(std::int64_t events);
  std::int64_t events() const { return events_; }
  // Of every line in and out, in order.
  std::uint64_t digest() const { return digest_; }

 private:
  // How often this world knows each kind of bad luck: once in so many steps; 0: never.
  struct Luck {
    std::int64_t kill = 0, power = 0, fault = 0, busy = 0, full = 0, jump = 0, act = 0, end = 0;
    std::int64_t people = 0, spoil = 0;
  };

  // --- world.cpp: who acts when.
  void draw_lucks();
  void step();
  void pass_time();
  void jump();
  void serve(Sidecar& sidecar);
  void act();
  void let_people_answer();
  void note_act(const Operator::Outcome& outcome, const Fault& fault, const char* kind);
  void spoil();
  bool unlucky(std::int64_t once_in) { return once_in > 0 && dice_.one_in(once_in); }
  void come_to_rest();
  void check_the_store();

  // --- blows.cpp: turns, and what strikes in or after them.
  void step_aside(const Sidecar& mover);
  void birth(Sidecar& sidecar);
  void turn(Sidecar& sidecar, std::size_t count, bool end_input, const Fault& fault);
  void follow(Sidecar& sidecar, Sidecar::Spoken spoken, const Actor& actor);
  // Lets the next lines leave, up to so many.
  void deliver(Sidecar& sidecar, const Actor& actor, std::size_t count);
  void tidy(Sidecar& sidecar, bool idle);
  void kill(Sidecar& sidecar);
  // `in_flight` decided what nobody has seen yet.
  void lose_power(const Policy& in_flight);
  Fault draw_fault(std::int64_t once_in);
  void note_blow(const Fault& fault, const std::string& kind);
  void record(const std::string& line);
  void complain(const std::string& what);
  std::string complaint() const;

  Dice dice_;
  Coverage& coverage_;
  bool verbose_;
  Luck luck_;
  Disk disk_;
  std::vector<Policy> policies_;
  bool power_durable_;
  Witness witness_;
  Memory memory_;
  StoreOptions options_;
  Observer observer_;
  std::unique_ptr<Operator> operator_;
  std::vector<std::unique_ptr<Sidecar>> sidecars_;
  Now now_{1'763'683'200'000, 1'000'000};  // 2025-11-21T00:00:00Z
  std::int64_t newest_utc_ms_ = 0;         // the latest the wall clock ever showed
  int lives_ = 0;
  std::int64_t events_ = 0;
  std::uint64_t digest_ = 0xCBF2'9CE4'8422'2325;
  std::string complaint_;
};

}  // namespace tallygate::simulation
