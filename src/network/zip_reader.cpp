#include "network/zip_reader.h"

#include <zip.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "network/quote.h"

namespace verissim::network {
namespace {

std::string message_of(zip_error_t& error) {
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  return message;
}

zip_t* open_archive(const std::string& file, std::span<const std::byte> data) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(data.data(), data.size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    if (source != nullptr) zip_source_free(source);
    throw InputError(file, "", "a damaged or incomplete ZIP archive (" + message_of(error) + ")",
                     "a whole PyTorch file");
  }
  zip_error_fini(&error);
  return archive;
}

// Behind the last part of an archive, and a comment of at most 64 KiB, stands where its directory is.
constexpr size_t kEndSize = 22;

// Whether what stands there could be the end: its disks are the first, and it has all its entries.
bool is_end(std::span<const std::byte> data, size_t at) {
  const auto* bytes = reinterpret_cast<const char*>(data.data()) + at;
  constexpr std::string_view kMark("PK\5\6\0\0\0\0", 8);
  return std::string_view(bytes, 8) == kMark && std::equal(bytes + 8, bytes + 10, bytes + 10);
}

void check_end(const std::string& file, std::span<const std::byte> data) {
  int ends = 0;
  const size_t last = data.size() - std::min(data.size(), kEndSize);
  for (size_t at = last - std::min<size_t>(last, UINT16_MAX + kEndSize); at <= last; ++at) {
    if (at + kEndSize <= data.size() && is_end(data, at)) ++ends;
  }
  if (ends > 1) throw InputError(file, "", "a ZIP archive with two ends", "one");
}

// A deflated byte stands for at most 1032 bytes, so a claim beyond that is false.
constexpr uint64_t kMostPerByte = 1032;

}  // namespace

bool ZipReader::ByName::operator()(const std::string& a, const std::string& b) const {
  const auto small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; };
  return std::ranges::lexicographical_compare(a, b, {}, small, small);
}

void ZipReader::Discard::operator()(struct zip* archive) const { zip_discard(archive); }

ZipReader::ZipReader(std::string file, std::span<const std::byte> data)
    : file_(std::move(file)), archive_(open_archive(file_, data)) {
  check_end(file_, data);
  const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
  for (zip_int64_t k = 0; k < count; ++k) {
    const auto index = static_cast<zip_uint64_t>(k);
    const char* name = zip_get_name(archive_.get(), index, ZIP_FL_ENC_RAW);
    if (name == nullptr) throw InputError(file_, "", "a ZIP entry without a name", "a whole PyTorch file");
    if (!entries_.emplace(name, index).second) {
      throw InputError(file_, quote(name), "two ZIP entries of this name", "one");
    }
  }
}

std::vector<std::string> ZipReader::names() const {
  std::vector<std::string> result;
  for (const auto& [name, index] : entries_) result.push_back(name);
  return result;
}

std::vector<std::byte> ZipReader::read(const std::string& name, uint64_t max_bytes) const {
  const std::string place = quote(name);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) throw InputError(file_, place, "no such entry", "a whole PyTorch file");
  zip_stat_t stat;
  zip_stat_init(&stat);
  const bool known = zip_stat_index(archive_.get(), entry->second, 0, &stat) == 0;
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if (!known || (stat.valid & kNeeded) != kNeeded || stat.size / kMostPerByte > stat.comp_size) {
    throw InputError(file_, place, "a damaged ZIP entry", "a whole one");
  }
  if (stat.size > max_bytes) {
    throw InputError(file_, place, std::to_string(stat.size) + " bytes",
                     "at most " + std::to_string(max_bytes));
  }
  std::vector<std::byte> bytes(stat.size);
  zip_file_t* stream = zip_fopen_index(archive_.get(), entry->second, 0);
  if (stream == nullptr) {
    throw InputError(file_, place,
                     "a ZIP entry that cannot be read (" + std::string(zip_strerror(archive_.get())) + ")",
                     "a stored or deflated one");
  }
  // The checksum is verified when the end is reached, which takes one byte more than there is.
  std::byte beyond{};
  const bool whole = zip_fread(stream, bytes.data(), stat.size) == static_cast<zip_int64_t>(stat.size) &&
                     zip_fread(stream, &beyond, 1) == 0;
  const bool closed = zip_fclose(stream) == 0;
  if (!whole || !closed)
    throw InputError(file_, place, "a damaged ZIP entry (wrong size or checksum)", "a whole one");
  return bytes;
}

}  // namespace verissim::network
