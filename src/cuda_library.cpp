// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "cuda_library.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstdio>

namespace nativeconc::seam {
namespace {

// The table in use; release when set, acquire when read, so that its functions are seen complete.
std::atomic<const CudaLibrary*> g_library{nullptr};

template <class Function>
bool find(void* handle, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(handle, name));
  return function != nullptr;
}

const char* last_dl_error() {
  const char* const text = dlerror();
  return text != nullptr ? text : "no reason was given";
}

bool find_all(void* handle, CudaLibrary& library) {
  return find(handle, "nativeconc_cuda_state", library.state) &&
         find(handle, "nativeconc_cuda_device", library.device) &&
         find(handle, "nativeconc_cuda_pointer_device", library.pointer_device) &&
         find(handle, "nativeconc_cuda_sum", library.sum) &&
         find(handle, "nativeconc_cuda_sum_host", library.sum_host) &&
         find(handle, "nativeconc_cuda_mandelbrot", library.mandelbrot) &&
         find(handle, "nativeconc_cuda_mandelbrot_host", library.mandelbrot_host);
}

}  // namespace

bool open_cuda_library(const char* path, char* reason, std::size_t reason_size) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::snprintf(reason, reason_size, "The GPU library of nativeconc cannot be loaded: %s.",
                  last_dl_error());
    return false;
  }
  CudaLibrary found;
  const bool is_ours = find(handle, "nativeconc_cuda_abi_version", found.abi_version);
  const int version = is_ours ? found.abi_version() : 0;
  if (version != NATIVECONC_CUDA_ABI_VERSION) {
    std::snprintf(reason, reason_size,
                  "The GPU library %s belongs to another version of nativeconc: its ABI version is "
                  "%d, and %d is needed.",
                  path, version, NATIVECONC_CUDA_ABI_VERSION);
    dlclose(handle);
    return false;
  }
  if (!find_all(handle, found)) {
    std::snprintf(reason, reason_size, "The GPU library of nativeconc is damaged: %s.",
                  last_dl_error());
    dlclose(handle);
    return false;
  }
  const CudaLibrary* none = nullptr;
  const CudaLibrary* const table = new CudaLibrary(found);
  if (!g_library.compare_exchange_strong(none, table, std::memory_order_acq_rel)) delete table;
  return true;
}

const CudaLibrary* cuda_library() { return g_library.load(std::memory_order_acquire); }

}  // namespace nativeconc::seam
