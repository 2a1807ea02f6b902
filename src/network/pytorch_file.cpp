#include "network/pytorch_file.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "base/error.h"
#include "network/quote.h"
#include "network/torch_pickle.h"
#include "network/zip_places.h"
#include "network/zip_reader.h"

namespace verissim::network {
namespace {

constexpr uint64_t kMostPickleBytes = UINT64_C(1) << 26;

bool starts_with(std::span<const std::byte> data, std::string_view start) {
  return data.size() >= start.size() && std::memcmp(data.data(), start.data(), start.size()) == 0;
}

bool ends_with_entry(const std::string& path, const std::string& entry) {
  return path == entry || (path.size() > entry.size() && path.ends_with("/" + entry));
}

// The folder of the archive that holds data.pkl, with its slash; entries of nested archives lie deeper.
std::string find_folder(const std::string& file, const ZipReader& zip) {
  std::vector<std::string> pickles;
  for (const std::string& name : zip.names()) {
    if (ends_with_entry(name, "data.pkl")) pickles.push_back(name);
  }
  if (pickles.empty())
    throw InputError(file, "", "a ZIP archive without data.pkl", "a file written by torch.save");
  const auto depth = [](const std::string& name) { return std::count(name.begin(), name.end(), '/'); };
  std::sort(pickles.begin(), pickles.end(),
            [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
  const std::string folder = pickles[0].substr(0, pickles[0].size() - std::strlen("data.pkl"));
  for (const std::string& other : pickles) {
    if (other == pickles[0] || (!folder.empty() && other.starts_with(folder))) continue;
    throw InputError(file, "", quote(pickles[0]) + " and " + quote(other), "one data.pkl");
  }
  return folder;
}

// Entries data/<key> of the archive, read when first asked for.
class ArchiveStorages final : public StorageSource {
 public:
  // places: of the archive's entries, if they are wanted.
  ArchiveStorages(std::string file, std::unique_ptr<ZipReader> zip, std::string folder,
                  std::map<std::string, ZipPlace> places)
      : file_(std::move(file)),
        zip_(std::move(zip)),
        folder_(std::move(folder)),
        places_(std::move(places)) {}

  std::span<const std::byte> bytes(const PickleStorage& storage) override {
    auto found = read_.find(storage.key);
    if (found == read_.end()) {
      found = read_.emplace(storage.key, zip_->read(name(storage), UINT64_C(1) << 40)).first;
    }
    const uint64_t size = found->second.size() / size_of(storage.dtype);
    if (std::cmp_less(size, storage.count)) {
      throw InputError(file_, "storage " + quote(storage.key), std::to_string(size) + " elements",
                       std::to_string(storage.count));
    }
    return std::span(found->second).first(static_cast<size_t>(storage.count) * size_of(storage.dtype));
  }

  std::optional<size_t> place(const PickleStorage& storage) override {
    const auto found = places_.find(name(storage));
    if (found == places_.end() || !found->second.stored) return std::nullopt;
    return found->second.begin;
  }

 private:
  std::string name(const PickleStorage& storage) const {
    const bool has_folder = storage.key.find('/') != std::string::npos;
    return folder_ + (has_folder ? "" : "data/") + storage.key;
  }

  std::string file_;
  std::unique_ptr<ZipReader> zip_;
  std::string folder_;
  std::map<std::string, ZipPlace> places_;
  std::map<std::string, std::vector<std::byte>> read_;
};

// Raw storages behind the pickles: for each key of a list, the number of elements (8 bytes) and the elements.
// Their type stands in the pickle only.
class LegacyStorages final : public StorageSource {
 public:
  // whole: the file that the storages lie in.
  LegacyStorages(std::string file, std::span<const std::byte> whole)
      : file_(std::move(file)), whole_(whole) {}

  // Reads the storages `keys`, which begin at data[position].
  void index(const std::map<std::string, PickleStorage>& types, const std::vector<std::string>& keys,
             std::span<const std::byte> data) {
    for (const std::string& key : keys) {
      const auto type = types.find(key);
      if (type == types.end()) throw refuse(key, "a storage that no tensor names");
      if (data.size() < 8) throw refuse(key, "the end of the file");
      int64_t count = 0;
      for (size_t k = 0; k < 8; ++k) count |= static_cast<int64_t>(static_cast<uint64_t>(data[k]) << (8 * k));
      data = data.subspan(8);
      if (count != type->second.count) throw refuse(key, std::to_string(count) + " elements");
      const size_t size = size_of(type->second.dtype);
      if (std::cmp_greater(count, data.size() / size)) throw refuse(key, "the end of the file");
      read_[key] = data.first(static_cast<size_t>(count) * size);
      data = data.subspan(static_cast<size_t>(count) * size);
    }
  }

  std::span<const std::byte> bytes(const PickleStorage& storage) override {
    const auto found = read_.find(storage.key);
    const auto size = static_cast<uint64_t>(storage.count) * size_of(storage.dtype);
    if (found == read_.end() || found->second.size() != size) throw refuse(storage.key, "no such storage");
    return found->second;
  }

  std::optional<size_t> place(const PickleStorage& storage) override {
    return static_cast<size_t>(bytes(storage).data() - whole_.data());
  }

 private:
  InputError refuse(const std::string& key, const std::string& got) const {
    return {file_, "storage " + quote(key), got, "all the elements that the tensors name"};
  }

  std::string file_;
  std::span<const std::byte> whole_;
  std::map<std::string, std::span<const std::byte>> read_;
};

// Python's 0x1950a86a20f9469cfc6c, the start of a file before 1.6.
const std::string kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

}  // namespace

bool PytorchFile::recognizes(std::span<const std::byte> data) {
  return starts_with(data, "PK\x03\x04") || starts_with(data, "PK\x05\x06") ||
         starts_with(data, std::string_view("\x80\x02\x8a\x0a", 4));
}

PytorchFile::PytorchFile(std::string file, std::span<const std::byte> data, bool tracing)
    : file_(std::move(file)), data_(data), legacy_(!starts_with(data, "PK")), tracing_(tracing) {
  // An array may be there several times under several keys; a mebi of elements are not much.
  elements_left_ = 4 * static_cast<int64_t>(data.size()) + (INT64_C(1) << 20);
  if (legacy_) {
    open_legacy();
  } else {
    open_archive();
  }
}

void PytorchFile::open_archive() {
  auto zip = std::make_unique<ZipReader>(file_, data_);
  const std::string folder = find_folder(file_, *zip);
  if (zip->contains(folder + "byteorder")) {
    const std::vector<std::byte> order = zip->read(folder + "byteorder", 64);
    big_endian_ = starts_with(order, "big");
    if (!big_endian_ && !starts_with(order, "little")) {
      throw InputError(file_, "'byteorder'", "an unknown byte order", "'little' or 'big'");
    }
  }
  const std::vector<std::byte> pickle = zip->read(folder + "data.pkl", kMostPickleBytes);
  TorchHost host(file_);
  root_ = Unpickler(file_, "data.pkl", pickle, host, arena_).read();
  if (zip->contains(folder + "constants.pkl")) {
    if (big_endian_) throw InputError(file_, "'byteorder'", "a big-endian TorchScript archive", "'little'");
    const std::vector<std::byte> constants = zip->read(folder + "constants.pkl", kMostPickleBytes);
    TorchHost constants_host(file_, "constants/");
    constants_ = Unpickler(file_, "constants.pkl", constants, constants_host, arena_).read();
    code_ = [folder, archive = zip.get(), this](const std::string& part) {
      if (!archive->contains(folder + part))
        throw InputError(file_, part, "no such part of the archive", "one");
      const std::vector<std::byte> bytes = archive->read(folder + part, kMostPickleBytes);
      return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
  }
  storages_ = std::make_unique<ArchiveStorages>(
      file_, std::move(zip), folder, tracing_ ? zip_places(file_, data_) : std::map<std::string, ZipPlace>{});
}

void PytorchFile::open_legacy() {
  TorchHost host(file_);
  std::span<const std::byte> rest = data_;
  const auto next = [&](const char* part) {
    Unpickler unpickler(file_, part, rest.first(std::min<size_t>(rest.size(), kMostPickleBytes)), host,
                        arena_);
    const PickleRef value = unpickler.read();
    rest = rest.subspan(unpickler.position());
    return value;
  };
  const auto* magic = next("magic number")->as<PickleBytes>();
  const auto* protocol = next("protocol version")->as<int64_t>();
  if (magic == nullptr || magic->bytes != kLegacyMagic || protocol == nullptr || *protocol != 1001) {
    throw InputError(file_, "", "a pickle that is not PyTorch's", "a file written by torch.save");
  }
  next("system information");  // the numbers are little-endian, whatever byte order it tells of
  root_ = next("object");
  std::map<std::string, PickleStorage> types;
  for (const PickleValue& value : arena_) {
    if (const auto* storage = value.as<PickleStorage>()) types[storage->key] = *storage;
  }
  const auto* list = next("storage keys")->as<PickleList>();
  std::vector<std::string> keys;
  for (const PickleRef item : list == nullptr ? std::vector<PickleRef>{} : list->items) {
    const auto* key = item->as<std::string>();
    if (key == nullptr) throw InputError(file_, "storage keys", describe(*item), "text");
    keys.push_back(*key);
  }
  auto storages = std::make_unique<LegacyStorages>(file_, data_);
  storages->index(types, keys, rest);
  storages_ = std::move(storages);
}

std::string PytorchFile::code(const std::string& part) const { return code_(part); }

namespace {

// Calls visit(place) for each element of the view, in row-major order.
template <typename Visit>
void for_each_place(const PickleTensor& view, Visit visit) {
  std::vector<int64_t> index(view.shape.size(), 0);
  for (int64_t place = view.offset;;) {
    visit(static_cast<size_t>(place));
    size_t axis = view.shape.size();
    while (axis > 0 && index[axis - 1] + 1 == view.shape[axis - 1]) {
      --axis;
      place -= index[axis] * view.stride[axis];
      index[axis] = 0;
    }
    if (axis == 0) return;
    ++index[axis - 1];
    place += view.stride[axis - 1];
  }
}

}  // namespace

Trace PytorchFile::trace(const PickleTensor& view, const std::string& key) {
  ArraySource source{.key = key, .dtype = view.storage.dtype, .big_endian = big_endian_};
  const std::optional<size_t> begin = storages_->place(view.storage);
  if (!begin) source.obstacle = "compressed";
  if (begin) {
    const size_t size = size_of(view.storage.dtype);
    for_each_place(view, [&](size_t place) { source.bytes.push_back(*begin + place * size); });
  }
  return {std::make_shared<const ArraySource>(std::move(source)), {}};
}

Tensor PytorchFile::read(const PickleTensor& view, const std::string& key) {
  const int64_t count = element_count(view.shape);
  elements_left_ -= count;
  if (elements_left_ < 0) {
    throw InputError(file_, quote(key), "tensors with far more elements than the file has bytes", "fewer");
  }
  const size_t size = size_of(view.storage.dtype);
  Tensor tensor{view.storage.dtype, view.shape, std::vector<std::byte>(static_cast<size_t>(count) * size)};
  if (count == 0) return tensor;
  if (tracing_) tensor.trace = trace(view, key);
  const std::span<const std::byte> source = storages_->bytes(view.storage);
  std::byte* target = tensor.bytes.data();
  for_each_place(view, [&](size_t place) {
    std::memcpy(target, source.data() + place * size, size);
    if (big_endian_) std::reverse(target, target + size);
    target += size;
  });
  return tensor;
}

}  // namespace verissim::network
