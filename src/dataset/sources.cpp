#include "dataset/sources.h"

#include <initializer_list>

namespace verissim::dataset {
namespace {

std::vector<RemoteFile> with_mirrors(std::vector<RemoteFile> files,
                                     std::initializer_list<const char*> mirrors) {
  for (RemoteFile& file : files) {
    for (const char* const mirror : mirrors) file.urls.push_back(mirror + file.name);
  }
  return files;
}

std::vector<RemoteFile> mnist(Split split) {
  std::vector<RemoteFile> files;
  if (split == Split::kTrain) {
    files = {{"train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", {}},
             {"train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", {}}};
  } else {
    files = {{"t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", {}},
             {"t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", {}}};
  }
  return with_mirrors(
      files, {"https://ossci-datasets.s3.amazonaws.com/mnist/",
              "https://storage.googleapis.com/cvdf-datasets/mnist/", "http://yann.lecun.com/exdb/mnist/"});
}

std::vector<RemoteFile> fashion_mnist(Split split) {
  std::vector<RemoteFile> files;
  if (split == Split::kTrain) {
    files = {{"train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", {}},
             {"train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", {}}};
  } else {
    files = {{"t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", {}},
             {"t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", {}}};
  }
  return with_mirrors(files, {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                              "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"});
}

std::vector<RemoteFile> gtsrb(Split split) {
  std::vector<RemoteFile> files;
  if (split == Split::kTrain) {
    files = {{"GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478", {}}};
  } else {
    files = {{"GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185", {}},
             {"GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5", {}}};
  }
  return with_mirrors(files, {"https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"});
}

}  // namespace

std::vector<RemoteFile> published_files(DatasetName name, Split split) {
  switch (name) {
    case DatasetName::kMnist:
      return mnist(split);
    case DatasetName::kFashionMnist:
      return fashion_mnist(split);
    case DatasetName::kGtsrb:
      break;
  }
  return gtsrb(split);
}

}  // namespace verissim::dataset
