// Vectors: recorded conversations of a host and the sidecar, one step per line of a file.
#pragma once

#include "protocol/json_view.h"
#include "protocol/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tallygate {

enum class StepKind {
  note,
  policy,
  host,
  host_raw,
  sidecar,
  end_input,
  exit,
  advance,
  act_as_operator,
  restart,
  host_reads
};

struct VectorStep {
  std::size_t line = 0;
  StepKind kind = StepKind::note;
  JsonText text;            // the whole line; `value` lies in it
  JsonView value;           // of the line's one member
  std::int64_t number = 0;  // exit code or milliseconds
  bool flag = false;
};

struct Vector {
  std::string path;
  std::string policy;  // the path of its policy, or empty
  std::vector<VectorStep> steps;
  std::string beyond_binary;  // what only a run in process can do about it, or empty
};

// A file that breaks the format is refused whole, naming the line: a misspelt step must not pass.
Result<Vector> read_vector(const std::string& path);

// The bytes a `host_raw` step sends, line end included.
std::string raw_bytes(JsonView parts);

}  // namespace tallygate
