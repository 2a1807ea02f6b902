#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace verissim::testing {

// What the server answers to one path.
struct Reply {
  int status = 200;
  std::string body;
  bool ranges = true;                    // honours requests for the rest of a file
  size_t cut_after = std::string::npos;  // breaks the connection after so many bytes of the body
};

// A small HTTP server on 127.0.0.1, one connection at a time.
class HttpServer {
 public:
  HttpServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    ::setenv("no_proxy", "127.0.0.1", 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, length) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, generic, &length) != 0) {
      throw std::runtime_error("no local server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() { stop(); }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // From then on nobody listens at the port.
  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  void set(const std::string& path, const Reply& reply) {
    const std::lock_guard lock(mutex_);
    replies_[path] = reply;
  }
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  // "GET /path", with " from <offset>" if only the rest was asked for.
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (true) {
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      answer(connection);
      ::close(connection);
    }
  }

  void answer(int connection) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
      if (count <= 0) return;
      request.append(buffer, static_cast<size_t>(count));
    }
    const std::string path = request.substr(4, request.find(' ', 4) - 4);
    const size_t range = request.find("Range: bytes=");
    const size_t asked = range == std::string::npos ? 0 : std::stoul(request.substr(range + 13));
    send_reply(connection, record(path, asked), asked);
  }

  Reply record(const std::string& path, size_t offset) {
    const std::lock_guard lock(mutex_);
    requests_.push_back("GET " + path + (offset > 0 ? " from " + std::to_string(offset) : ""));
    const auto reply = replies_.find(path);
    return reply == replies_.end() ? Reply{404, "<html>no such file</html>"} : reply->second;
  }

  static void send_reply(int connection, const Reply& reply, size_t asked) {
    const bool partial = asked > 0 && reply.ranges && reply.status == 200;
    const bool beyond = partial && asked >= reply.body.size();
    const std::string body = beyond ? "" : reply.body.substr(partial ? asked : 0);
    std::string head = "HTTP/1.1 " + std::to_string(beyond ? 416 : partial ? 206 : reply.status) + " x\r\n";
    head += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n";
    const std::string whole = std::to_string(reply.body.size());
    if (partial && !beyond) {
      head += "Content-Range: bytes " + std::to_string(asked) + "-" + std::to_string(reply.body.size() - 1) +
              "/" + whole + "\r\n";
    }
    const std::string message = head + "\r\n" + body.substr(0, reply.cut_after);
    ::send(connection, message.data(), message.size(), MSG_NOSIGNAL);
  }

  int socket_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Reply> replies_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace verissim::testing
