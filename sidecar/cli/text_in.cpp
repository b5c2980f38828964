#include "cli/text_in.h"

#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <fstream>
#include <iostream>
#include <istream>

namespace tallygate {
namespace {

Result<std::string> read_all(std::istream& in, const std::string& what) {
  std::string text(limits::line_size_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return Error{ErrorCode::usage, "cannot read " + what, {}};
  if (text.size() <= limits::line_size_max) return text;
  return Error{ErrorCode::usage,
               what + " holds more than " + std::to_string(limits::line_size_max) + " bytes",
               {}};
}

}  // namespace

Result<std::string> read_stdin() { return read_all(std::cin, "stdin"); }

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorCode::usage, "cannot read " + quoted(path), {}};
  return read_all(file, quoted(path));
}

}  // namespace tallygate
