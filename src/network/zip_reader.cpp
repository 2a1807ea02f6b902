#include "network/zip_reader.h"

#include <zip.h>

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

// A deflated byte stands for at most 1032 bytes, so a claim beyond that is false.
constexpr uint64_t kMostPerByte = 1032;

}  // namespace

void ZipReader::Discard::operator()(struct zip* archive) const { zip_discard(archive); }

ZipReader::ZipReader(std::string file, std::span<const std::byte> data)
    : file_(std::move(file)), archive_(open_archive(file_, data)) {
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
