#include "cli/open_books.h"

#include "cli/output.h"
#include "kernel/scope_acts.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"

#include <filesystem>

namespace tallygate {

std::variant<std::unique_ptr<Inspection>, ExitCode> open_books(const CommonOptions& options) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  const std::string path = store_path(std::get<Policy>(policy));
  std::error_code unreadable;
  if (path.empty() || !std::filesystem::exists(path, unreadable)) {
    return complain(Error{ErrorCode::not_found, "there is no store at " + path, {}});
  }
  Result<std::unique_ptr<Inspection>> books = Inspection::open(path);
  if (!books) return complain(books.error());
  const Result<std::int64_t> version = (*books)->begin(SystemClock().now().utc_ms);
  if (!version) return complain(version.error());
  return std::move(books).value();
}

std::string scope_words(int kind, const std::string& scope, const std::string& run) {
  const std::string text = scope_text(kind, scope);
  constexpr int run_kind = 4;
  return run.empty() || kind == run_kind ? text : text + " run:" + run;
}

std::string window_words(const std::string& window, std::int64_t starts) {
  return starts == 0 ? window : window + " from " + utc_text(starts);
}

}  // namespace tallygate
