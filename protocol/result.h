// Result<T>: a value, or an Error that says what is wrong in words a person can act on.
#pragma once

#include "protocol/check.h"

#include <string>
#include <utility>
#include <variant>

namespace tallygate {

// JSON-RPC numbers go on the wire; the positive ones stay inside and choose an exit code.
enum class ErrorCode : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  not_initialized = -32002,
  too_many_requests = -32005,
  request_cancelled = -32800,
  configuration = 1,
  store_busy = 2,
  store_failed = 3,
  not_found = 4,
  stale = 5,
  usage = 6,
};

struct Error {
  ErrorCode code = ErrorCode::internal_error;
  std::string message;
  std::string data;  // a JSON object for machines, or empty
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & {
    CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::move(std::get<0>(state_));
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const {
    CHECK(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

// A step that yields nothing but may fail.
struct Done {};
using Step = Result<Done>;

}  // namespace tallygate
