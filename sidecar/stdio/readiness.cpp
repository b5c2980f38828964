#include "stdio/readiness.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace tallygate {

namespace asio = boost::asio;

class Readiness::Impl {
 public:
  using Descriptor = asio::posix::stream_descriptor;

  Impl(asio::io_context& io, const Stream& stream) : io_(io), pollable_(io) {
    if (const int number = stream.make_pollable(); number >= 0) pollable_.assign(number);
    reads_ = stream.use() == Stream::Use::reading || stream.tells_by_reading();
  }

  void wait(std::function<void()> then) {
    // What never makes anyone wait is ready now; others get their turn all the same.
    if (!pollable_.is_open()) {
      return asio::post(io_, [this, then = std::move(then)] {
        if (!stopped_) then();
      });
    }
    pollable_.async_wait(reads_ ? Descriptor::wait_read : Descriptor::wait_write,
                         [then = std::move(then)](const boost::system::error_code& error) {
                           if (error != asio::error::operation_aborted) then();
                         });
  }

  void stop() {
    stopped_ = true;
    boost::system::error_code ignored;
    if (pollable_.is_open()) pollable_.cancel(ignored);
  }

 private:
  asio::io_context& io_;
  Descriptor pollable_;  // not open where there is nothing to wait for
  bool reads_ = false;
  bool stopped_ = false;
};

Readiness::Readiness(asio::io_context& io, const Stream& stream)
    : impl_(std::make_unique<Impl>(io, stream)) {}

Readiness::~Readiness() = default;

void Readiness::wait(std::function<void()> then) { impl_->wait(std::move(then)); }

void Readiness::stop() { impl_->stop(); }

}  // namespace tallygate
