#include "dataset/download.h"

#include <curl/curl.h>

#include <filesystem>
#include <memory>

#include "base/digest.h"
#include "base/error.h"
#include "base/version.h"
#include "dataset/partial_file.h"

namespace verissim::dataset {
namespace {

constexpr curl_off_t kMaxBytes = INT64_C(1) << 34;
constexpr long kConnectSeconds = 15;
constexpr long kStalledSeconds = 30;  // without a byte, then the next place is tried

enum class Outcome { kDone, kStopped, kFailed };

struct Transfer {
  PartialFile& file;
  uint64_t resumed_at;
  Progress progress;
  const ProgressSink& sink;
  const StopToken& stop;
};

size_t on_data(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  return transfer.file.append(data, size * count) ? size * count : 0;
}

int on_progress(void* user, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(user);
  const bool too_large = done > kMaxBytes || total > kMaxBytes;
  if (transfer.stop.stop_requested() || too_large) return 1;
  transfer.progress.done = transfer.resumed_at + static_cast<uint64_t>(done);
  transfer.progress.total = total > 0 ? transfer.resumed_at + static_cast<uint64_t>(total) : 0;
  if (transfer.sink) transfer.sink(transfer.progress);
  return 0;
}

// Appends what the address holds beyond the part that is there.
CURLcode transfer_from(const std::string& url, Transfer& transfer, std::string& error) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  VERISSIM_CHECK(curl != nullptr);
  char message[CURL_ERROR_SIZE] = "";
  const auto set = [&](CURLoption option, auto value) {
    VERISSIM_CHECK(curl_easy_setopt(curl.get(), option, value) == CURLE_OK);
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(transfer.resumed_at));
  set(CURLOPT_USERAGENT, (std::string("verissim/") + kVersion).c_str());
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(message));
  set(CURLOPT_WRITEFUNCTION, &on_data);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &on_progress);
  set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
  const CURLcode code = curl_easy_perform(curl.get());
  error = url + ": " + (message[0] != '\0' ? std::string(message) : std::string(curl_easy_strerror(code)));
  return code;
}

// One address. A part that proves to be of another file, or that the server cannot continue, is thrown away
// and the address tried once more from the start. What came before a connection broke is kept.
Outcome try_url(const std::string& url, const RemoteFile& file, PartialFile& partial,
                const ProgressSink& progress, const StopToken& stop, std::string& errors) {
  while (true) {
    Transfer transfer{partial, partial.size(), {"downloading " + file.name, 0, 0}, progress, stop};
    std::string error;
    const CURLcode code = transfer_from(url, transfer, error);
    if (stop.stop_requested()) return Outcome::kStopped;
    if (code == CURLE_OK && md5_of_file(partial.name()) == file.md5) return Outcome::kDone;
    if (code == CURLE_OK) error = url + ": the file has another checksum than was published";
    const bool useless = code == CURLE_OK || code == CURLE_RANGE_ERROR;
    if (useless) partial.clear();
    if (!useless || transfer.resumed_at == 0) {
      errors += (errors.empty() ? "" : "; ") + error;
      return Outcome::kFailed;
    }
  }
}

Outcome fetch(const RemoteFile& file, const std::string& path, const ProgressSink& progress,
              const StopToken& stop, std::string& errors) {
  if (std::filesystem::exists(path)) return Outcome::kDone;
  PartialFile partial(path);
  if (!partial.lock(stop)) return Outcome::kStopped;
  if (std::filesystem::exists(path)) {  // another process was quicker
    partial.remove();
    return Outcome::kDone;
  }
  Outcome outcome = md5_of_file(partial.name()) == file.md5 ? Outcome::kDone : Outcome::kFailed;
  for (const std::string& url : file.urls) {
    if (outcome != Outcome::kFailed) break;
    outcome = try_url(url, file, partial, progress, stop, errors);
  }
  if (outcome == Outcome::kDone) partial.finish();
  if (outcome == Outcome::kFailed && partial.size() == 0) partial.remove();
  return outcome;
}

std::string missing_names(std::span<const RemoteFile> files, const std::filesystem::path& folder) {
  std::string names;
  for (const RemoteFile& file : files) {
    if (!std::filesystem::exists(folder / file.name)) names += (names.empty() ? "" : ", ") + file.name;
  }
  return names;
}

}  // namespace

bool download(std::span<const RemoteFile> files, const std::string& folder, const ProgressSink& progress,
              const StopToken& stop) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError(folder, "cannot be made", error.message(), "");
  for (const RemoteFile& file : files) {
    std::string errors;
    const std::string path = (std::filesystem::path(folder) / file.name).string();
    switch (fetch(file, path, progress, stop, errors)) {
      case Outcome::kDone:
        break;
      case Outcome::kStopped:
        return false;
      case Outcome::kFailed:
        throw InputError(path, "cannot be downloaded", errors,
                         "these files, put by hand into " + folder + ": " + missing_names(files, folder));
    }
  }
  return true;
}

}  // namespace verissim::dataset
