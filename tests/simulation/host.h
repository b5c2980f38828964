// A host: what an agent runtime on the other end of the pipe might do, right or wrong.
//
// It writes letters into the pipe and takes what the sidecar says. A new method of the wire becomes
// a new case of `speak`.
#pragma once

#include "simulation/setting.h"
#include "simulation/witness.h"
#include "support/dice.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tallygate::simulation {

// A line on its way to the sidecar.
struct Letter {
  std::string line;
  std::string awaits;  // the id that an answer to it will carry; empty: there will be none
  bool governs = false, settles = false;
  // What the checkers must know once the sidecar has read it.
  std::function<void(const Actor&)> when_read = {};
};

// What hosts of one world know beyond their own lives.
struct Memory {
  // A call by its name, to be made again.
  struct Named {
    Holder holder;
    std::string call_id, args, other_spelling;
    Draft draft;
    std::string action = {};  // once it was granted
  };
  // A body that a host runs by itself.
  struct Errand {
    std::string agent, action, token;
  };
  // A report of what was spent, to be made again.
  struct Report {
    Holder holder;
    std::string call_id, usage, mark;
    Steps spent;
  };
  std::vector<Named> named;
  std::vector<Report> reports;
  std::vector<std::pair<std::string, std::string>> held;  // agent and id of calls said to be held
  std::vector<Errand> errands;
  std::vector<std::pair<std::string, std::string>> actions;  // agent and id of calls of late
  std::int64_t names = 0;                                    // given so far
  std::size_t names_max = 40;                                // that are made again
  std::int64_t held_often = 0;  // one in so many calls is one that people have to approve
};

class Host {
 public:
  Host(Dice& dice, Witness& witness, Memory& memory, Holder holder)
      : dice_(dice),
        witness_(witness),
        memory_(memory),
        holder_(std::move(holder)),
        can_execute_(!dice.one_in(12)) {}

  // Writes something into the pipe.
  void speak();
  // Writes the answers whose time has come.
  void answer(std::int64_t boot_ms);
  void hear(const Said& said, std::int64_t boot_ms);
  void ask_to_shut_down() { ask("shutdown"); }

  // The next letter of the pipe; nothing when it is empty.
  std::optional<Letter> take();
  std::size_t waiting() const { return pipe_.size(); }
  // Reads nothing, or only a line now and then, for a while.
  void stop_reading(std::int64_t boot_ms);
  void read_on() { reads_from_ms_ = 0; }
  // How many lines it would read now.
  std::size_t reads(std::int64_t boot_ms);
  bool runs_bodies() const { return !bodies_.empty(); }
  bool can_execute() const { return can_execute_; }

 private:
  struct Body {
    std::int64_t due_ms = 0;  // boot
    std::string tool, action;
    bool stops = false;  // it was told to, and heeds it
  };

  // --- host.cpp
  void greet();
  void ask(const std::string& method, const std::string& params = "{}");
  void babble();
  void repeat_an_id();
  void answer_nonsense();
  Letter& request(const std::string& id, const std::string& method, const std::string& params);
  std::string fresh_id();

  // --- calls.cpp
  void call();
  void call_by_name();
  const Memory::Named& draw_name();
  const Memory::Named& make_name();
  void send(const Draft& draft, const std::string& args, const std::string& call_id, bool propose);
  void complete();
  void take_back();
  void ask_about();
  void remember(const Said& said);
  bool note_named(const std::string& action, const std::string& args);

  // --- asides.cpp: what is neither a call nor its answer.
  void resume();
  void resume(const std::string& action);
  void call_off_held();
  void extend();
  void report_usage();
  void note_held(const Said& said);

  // --- bodies.cpp
  void answer_body(const std::string& execute_id, const Body& body);
  std::string draw_answer(const Body& body, Answer& answer);
  std::string draw_usage(const std::string& tool, Answer& answer);
  std::int64_t draw_delay(std::int64_t timeout_ms);

  Dice& dice_;
  Witness& witness_;
  Memory& memory_;
  Holder holder_;
  bool can_execute_;
  std::deque<Letter> pipe_;
  std::map<std::string, Body> bodies_;  // by the id of tools/execute
  std::vector<std::string> answered_;   // for answers that come twice
  struct Sent {
    std::string id, call;  // by its name, or the digest of its arguments
  };
  std::vector<Sent> requests_;                 // of calls, of late
  std::int64_t last_id_ = 0, last_asked_ = 0;  // of its requests, and of the sidecar's
  std::string greeting_;                       // the id of the initialize that waits
  bool greeted_ = false;
  std::int64_t reads_from_ms_ = 0;  // boot: until then it reads little
  bool reads_a_little_ = false;
};

}  // namespace tallygate::simulation
