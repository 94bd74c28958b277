// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "wait_notice.hpp"

#include <algorithm>
#include <string_view>

#include "lock_header.hpp"
#include "nativeconc/deadlock/thread_registry.hpp"
#include "thread_name.hpp"

namespace nativeconc::seam {
namespace {

// The rest of a character of UTF-8.
bool continues(char byte) { return (byte & 0xc0) == 0x80; }

// As many characters as there is room for; the last ones if `from_end`.
template <std::size_t kSize>
void put(std::array<char, kSize>& room, std::string_view text, bool from_end = false) {
  if (text.size() >= kSize && from_end) {
    text.remove_prefix(text.size() - (kSize - 1));
    while (!text.empty() && continues(text.front())) text.remove_prefix(1);
  } else if (text.size() >= kSize) {
    std::size_t length = kSize - 1;
    while (length > 0 && continues(text[length])) --length;
    text = text.substr(0, length);
  }
  *std::copy(text.begin(), text.end(), room.begin()) = '\0';
}

// Of a str; empty, without an error, if it is none or cannot be written as UTF-8.
std::string_view utf8(PyObject* text) {
  if (text == nullptr || PyUnicode_Check(text) == 0) return {};
  Py_ssize_t length = 0;
  const char* chars = PyUnicode_AsUTF8AndSize(text, &length);
  if (chars == nullptr) PyErr_Clear();
  return chars == nullptr ? std::string_view{}
                          : std::string_view{chars, static_cast<std::size_t>(length)};
}

std::string_view after_last(std::string_view text, char separator) {
  return text.substr(text.rfind(separator) + 1);  // of npos: all of it
}

// multiprocessing.process._current_process._name, or null without an error.
PyObject* name_in_multiprocessing() {
  PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "multiprocessing.process");
  PyObject* process =
      module == nullptr ? nullptr : PyObject_GetAttrString(module, "_current_process");
  PyObject* name = process == nullptr ? nullptr : PyObject_GetAttrString(process, "_name");
  Py_XDECREF(process);
  PyErr_Clear();
  return name;
}

// What multiprocessing calls it, or else the name of its script.
void put_process(std::array<char, 24>& room) {
  PyObject* name = name_in_multiprocessing();
  const std::string_view known = utf8(name);
  if (!known.empty() && known != "MainProcess") {
    put(room, known);
  } else {
    PyObject* argv = PySys_GetObject("argv");  // borrowed
    const bool has_one = argv != nullptr && PyList_Check(argv) != 0 && PyList_GET_SIZE(argv) > 0;
    PyObject* script = has_one ? Py_NewRef(PyList_GET_ITEM(argv, 0)) : nullptr;
    put(room, after_last(utf8(script), '/'));
    Py_XDECREF(script);
  }
  Py_XDECREF(name);
}

void describe(shared::WaitNotice& notice, PyObject* lock) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  shared::WaitText& text = notice.text;
  put_process(text.process);
  put(text.thread, deadlock::this_record().name.data());
  put(text.kind, after_last(Py_TYPE(lock)->tp_name, '.'));
  PyObject* name = get_name(lock, lock_header(lock)->origin);
  put(text.lock, utf8(name));
  Py_DECREF(name);
  const Place place = current_place();
  if (place.code != nullptr) {
    put(text.file, utf8(place.code->co_filename), true);
    put(text.function, utf8(place.code->co_qualname));
    notice.line = PyCode_Addr2Line(place.code, place.instruction);
    Py_DECREF(place.code);
  }
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

}  // namespace

void describe_wait(shared::WaitNotice& notice, const deadlock::Want& want) {
  notice.is_described = true;
  notice.lock = want.lock;
  notice.mode = want.mode;
  notice.is_certain = want.certain;
  notice.takes_part = true;
  describe(notice, static_cast<PyObject*>(want.lock));
}

void describe_wait(shared::WaitNotice& notice, const shared::SharedWant& want, bool is_timed) {
  notice.is_described = true;
  notice.uid = want.uid;
  notice.mode = want.mode;
  notice.takes_part = want.is_owned && !is_timed;
  notice.is_timed = is_timed;
  describe(notice, static_cast<PyObject*>(want.primitive));
}

}  // namespace nativeconc::seam
