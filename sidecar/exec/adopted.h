// Processes that left the group of the command that made them, daemons say: whose parent has died,
// they become our children. Private to the room.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tallygate {

// Adopted is every child of ours that is in another session than ours and leads no command.
class Adopted {
 public:
  using IsLeader = std::function<bool(std::int64_t pid)>;
  // Makes this process the one that orphans come to, where the system tells who they are.
  Adopted(boost::asio::io_context& io, IsLeader is_leader);
  Adopted(const Adopted&) = delete;
  Adopted& operator=(const Adopted&) = delete;

  // A command has ended that led this session: who is left of it is ended too, now and as soon as
  // they turn up.
  void end_rest_of(std::int64_t session, const std::string& action_id);
  // Ends all of them, and waits a moment until they are dead. REQUIRES: no command runs.
  void end_all();

 private:
  struct Ended {
    std::int64_t session = 0;
    std::string action_id;  // in the environment of what it started
    int looks_left = 0;
  };

  std::vector<std::int64_t> find() const;
  void look();
  void arm();

  IsLeader is_leader_;
  std::int64_t own_session_ = 0;
  boost::asio::steady_timer timer_;
  bool is_armed_ = false;
  std::vector<Ended> ended_;
};

}  // namespace tallygate
