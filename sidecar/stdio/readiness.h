// When a stream can go on, told on a loop.
#pragma once

#include "stdio/stream.h"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tallygate {

class Readiness {
 public:
  // Both outlive this.
  Readiness(boost::asio::io_context& io, const Stream& stream);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // Calls `then` once the stream can be read, or written; never from here. Not when `stop` was
  // called first.
  void wait(std::function<void()> then);
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallygate
