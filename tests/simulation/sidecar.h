// One place where a sidecar lives, dies and lives again, with the host that spawned it.
#pragma once

#include "kernel/kernel.h"
#include "simulation/host.h"
#include "simulation/process.h"
#include "simulation/witness.h"
#include "support/seeded_entropy.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tallygate::simulation {

class Sidecar {
 public:
  struct Place {
    Disk* disk = nullptr;
    StoreOptions options;
    const Policy* policy = nullptr;
    Holder holder;
    std::int64_t skew_ms = 0;  // of its wall clock
  };
  Sidecar(Place place, Dice& dice, Witness& witness, Memory& memory)
      : place_(std::move(place)),
        dice_(dice),
        witness_(witness),
        memory_(memory),
        entropy_(dice.next()) {}

  // --- A life: opens the store and greets nobody yet. False when the store would not open, or a
  // fault that `arm` set killed it on the way.
  bool start(int life, Now now, const Fault& fault);
  // As kill -9 does: not a byte is written any more.
  void die();
  // As an orderly exit does: the store is closed.
  void leave();
  bool lives() const { return kernel_ != nullptr; }
  // Its store has failed for good; only a new life helps.
  bool is_broken() const { return ledger_->failure().has_value(); }
  // The same, though nothing struck its disk: why.
  std::string broke_by_itself() const;

  // A line on its way to the host.
  struct Line {
    std::string text;
    Said said;
    std::int64_t execute_id = 0;  // of the body it asks for, or 0
  };
  // --- A turn with up to `count` letters of the pipe. What it said is not heard yet.
  struct Spoken {
    std::vector<Line> lines;
    std::vector<Letter> letters;  // what it read
    std::string kind;             // "grant", "settle", ... by what it was asked
    bool finished = false;
    bool died = false;  // inside the turn
    std::string wrong;  // what it must not have said
  };
  Spoken turn(std::size_t count, const Actor& actor, const Fault& fault);
  // Housekeeping after a turn.
  bool rest(bool idle, const Fault& fault);
  // Puts a line where the host will read it, and counts it as an answer. What is wrong with it.
  std::string send(Line line);
  // The next line leaves, if there is one.
  std::optional<Line> let_go(std::int64_t boot_ms);
  std::size_t unread() const { return outbox_.size(); }
  // The requests that were read and never answered.
  std::string unanswered() const;

  // Who acts when this sidecar takes a turn now.
  Actor actor(Now now, bool end_input) const;
  // Why the latest start failed.
  const std::string& refusal() const { return refusal_; }
  Host& host() { return *host_; }
  int life() const { return life_; }
  bool fired() const { return process_->fired(); }

 private:
  bool withdraw(std::int64_t execute_id);
  void read_effects(Effects effects, Spoken& spoken);
  Event take(const Letter& letter, const Actor& actor);

  Place place_;
  Dice& dice_;
  Witness& witness_;
  Memory& memory_;
  SeededEntropy entropy_;
  int life_ = 0;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Kernel> kernel_;
  std::unique_ptr<Host> host_;
  std::map<std::string, int> awaited_;
  std::deque<Line> outbox_;  // what the host has not read yet
  std::vector<Event> left_;  // RequestLeft, for the next turn
  std::uint64_t ordinal_ = 0;
  std::string refusal_;
  bool was_struck_ = false;  // in this life
};

}  // namespace tallygate::simulation
