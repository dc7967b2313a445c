#include "auth/exchange.h"

#include <array>
#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <strings.h>

#include "auth/password.h"
#include "auth/user_name.h"
#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::auth {

namespace {

/// The names that PAM's files know the services by.
constexpr const char* service_names[] = {"smtp", "pop", "imap"};

using Callback = int (*)();
/// SASL takes every callback as int(*)(void) and calls it as what its number says.
template <class F>
Callback as_callback(F* function) {
  return reinterpret_cast<Callback>(reinterpret_cast<void (*)()>(function));
}

/// Options that are the same for every connection; the rest is in Options of one.
struct Options {
  std::string saslauthd_path;
  const char* pwcheck_method = "auxprop";
};

int get_option(void* context, const char*, const char* option, const char** result, unsigned* length) {
  const auto* options = static_cast<const Options*>(context);
  const char* value = nullptr;
  if (!std::strcmp(option, "mech_list")) value = "PLAIN LOGIN";
  if (!std::strcmp(option, "log_level")) value = "2";
  // Our own: passwords are never looked up in sasldb, LDAP or SQL behind our back.
  if (!std::strcmp(option, "auxprop_plugin")) value = "none";
  if (options && !std::strcmp(option, "pwcheck_method")) value = options->pwcheck_method;
  if (options && !std::strcmp(option, "saslauthd_path")) value = options->saslauthd_path.c_str();
  if (!value) return SASL_FAIL;
  *result = value;
  if (length) *length = static_cast<unsigned>(std::strlen(value));
  return SASL_OK;
}

int write_log(void*, int level, const char* message) {
  if (message && level != SASL_LOG_NONE && level <= SASL_LOG_ERR) log::warning("SASL: {}", printable(message, 200));
  return SASL_OK;
}

/// The lookup of properties that SASL wants for every name. There are none.
int look_nothing_up(void*, sasl_server_params_t*, unsigned, const char*, unsigned) {
  return SASL_OK;
}

int start_no_properties(const sasl_utils_t*, int, int* version, sasl_auxprop_plug_t** plugin, const char*) {
  static char name[] = "none";
  static sasl_auxprop_plug_t none{};
  none.name = name;
  none.auxprop_lookup = look_nothing_up;
  *version = SASL_AUXPROP_PLUG_VERSION;
  *plugin = &none;
  return SASL_OK;
}

/// Where no configuration file is; SASL frees the text.
int no_file(void*, char** path) {
  *path = strdup("/nonexistent");
  return *path ? SASL_OK : SASL_NOMEM;
}

void* new_mutex() {
  return new (std::nothrow) std::mutex;
}
int lock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->lock();
  return SASL_OK;
}
int unlock_mutex(void* mutex) {
  static_cast<std::mutex*>(mutex)->unlock();
  return SASL_OK;
}
void free_mutex(void* mutex) {
  delete static_cast<std::mutex*>(mutex);
}

struct Dispose {
  void operator()(sasl_conn_t* connection) const { sasl_dispose(&connection); }
};
using Connection = std::unique_ptr<sasl_conn_t, Dispose>;

Result<Connection> connect(Service service, const std::string& host, const sasl_callback_t* callbacks) {
  sasl_conn_t* connection = nullptr;
  const int result = sasl_server_new(service_names[static_cast<std::size_t>(service)], host.c_str(), nullptr, nullptr,
                                     nullptr, callbacks, 0, &connection);
  if (result != SASL_OK)
    return fail(Kind::temporary, fmt::format("SASL: {}", sasl_errstring(result, nullptr, nullptr)));
  return Connection(connection);
}

}  // namespace

/// What the callbacks of one connection see. It does not move while the connection lives.
struct Exchange::State {
  Options options;
  std::array<sasl_callback_t, 5> callbacks{};
  std::optional<Credentials> shown;
  std::string bad_name;  ///< escaped
  std::string mechanism;
  Connection connection;

  ~State() {
    connection.reset();
    if (shown) explicit_bzero(shown->password.data(), shown->password.size());
  }
};

namespace {

/// Rules of names come before any backend; mechanisms call this for every name that a client sends.
int canonicalise(sasl_conn_t*, void* context, const char* in, unsigned length, unsigned, const char*, char* out,
                 unsigned most, unsigned* out_length) {
  auto* state = static_cast<Exchange::State*>(context);
  const auto name = canonical_name({in, length});
  if (!name || name->size() >= most) {
    state->bad_name = "'" + printable({in, length}, 100) + "'";
    return SASL_BADPARAM;
  }
  std::memcpy(out, name->c_str(), name->size() + 1);
  *out_length = static_cast<unsigned>(name->size());
  return SASL_OK;
}

/// Takes down what the client has shown. Said to be right for now: the caller checks, and only then says so to anybody.
int take_password(sasl_conn_t*, void* context, const char* user, const char* password, unsigned length, propctx*) {
  auto* state = static_cast<Exchange::State*>(context);
  const std::string_view text(password, length);
  // A refusal here would send SASL on to other ways of checking: what cannot be a password is not taken down instead.
  const bool possible = !text.empty() && text.size() <= max_password && !text.contains('\0');
  if (possible) state->shown = Credentials{user, std::string(text)};
  return SASL_OK;
}

/// Takes down for whom the client wants to act. "alice" and "alice@example.test" may be one account, which SASL cannot
/// know: the caller says whether they are, and refuses everybody else.
int take_identity(sasl_conn_t*, void* context, const char* requested, unsigned length, const char* login, unsigned,
                  const char*, unsigned, propctx*) {
  auto* state = static_cast<Exchange::State*>(context);
  const std::string_view wanted(requested, length);
  if (state->shown && wanted != login) state->shown->acts_as = wanted;
  return SASL_OK;
}

}  // namespace

Result<> start_sasl() {
  static const std::array<sasl_callback_t, 4> callbacks{{
      {SASL_CB_GETOPT, as_callback(get_option), nullptr},
      {SASL_CB_LOG, as_callback(write_log), nullptr},
      {SASL_CB_GETCONFPATH, as_callback(no_file), nullptr},
      {SASL_CB_LIST_END, nullptr, nullptr},
  }};
  sasl_set_mutex(new_mutex, lock_mutex, unlock_mutex, free_mutex);
  int result = sasl_server_init(callbacks.data(), "facteur");
  if (result == SASL_OK) result = sasl_auxprop_add_plugin("none", start_no_properties);
  if (result == SASL_OK) return {};
  return fail(Kind::permanent, fmt::format("SASL: {}", sasl_errstring(result, nullptr, nullptr)));
}

Result<Exchange> Exchange::begin(Service service, const std::string& mechanism, const std::string& host) {
  if (mechanism != "PLAIN" && mechanism != "LOGIN") return fail(Kind::permanent, "no such mechanism");
  std::unique_ptr<State, void (*)(State*)> state(new State, [](State* gone) { delete gone; });
  state->mechanism = mechanism;
  state->callbacks = {{
      {SASL_CB_GETOPT, as_callback(get_option), &state->options},
      {SASL_CB_CANON_USER, as_callback(canonicalise), state.get()},
      {SASL_CB_SERVER_USERDB_CHECKPASS, as_callback(take_password), state.get()},
      {SASL_CB_PROXY_POLICY, as_callback(take_identity), state.get()},
      {SASL_CB_LIST_END, nullptr, nullptr},
  }};
  auto connection = connect(service, host, state->callbacks.data());
  if (!connection) return fail(connection);
  state->connection = std::move(*connection);
  return Exchange(std::move(state));
}

Exchange::Next Exchange::start(const std::optional<std::string>& initial) {
  if (initial && initial->size() > max_response) return {{}, {}, "the response is too long"};
  const char* out = nullptr;
  unsigned size = 0;
  const int result =
      sasl_server_start(state_->connection.get(), state_->mechanism.c_str(), initial ? initial->data() : nullptr,
                        initial ? static_cast<unsigned>(initial->size()) : 0, &out, &size);
  return next(result, out, size);
}

Exchange::Next Exchange::respond(const std::string& response) {
  if (response.size() > max_response) return {{}, {}, "the response is too long"};
  const char* out = nullptr;
  unsigned size = 0;
  const int result =
      sasl_server_step(state_->connection.get(), response.data(), static_cast<unsigned>(response.size()), &out, &size);
  return next(result, out, size);
}

Exchange::Next Exchange::next(int result, const char* out, unsigned size) {
  if (result == SASL_CONTINUE) return {std::string(out ? out : "", out ? size : 0), {}, {}};
  if (result == SASL_OK && state_->shown) return {{}, state_->shown, {}};
  if (!state_->bad_name.empty()) return {{}, {}, state_->bad_name + " is not a name that an account may have"};
  if (result == SASL_OK) return {{}, {}, "no password"};
  return {{}, {}, fmt::format("bad {} exchange: {}", state_->mechanism, sasl_errstring(result, nullptr, nullptr))};
}

Result<bool> ask_saslauthd(Service service, const std::string& user, const std::string& password,
                           const std::string& socket, const std::string& host) {
  Options options{socket, "saslauthd"};
  const std::array<sasl_callback_t, 2> callbacks{{
      {SASL_CB_GETOPT, as_callback(get_option), &options},
      {SASL_CB_LIST_END, nullptr, nullptr},
  }};
  const auto connection = connect(service, host, callbacks.data());
  if (!connection) return fail(connection);
  const int result = sasl_checkpass(connection->get(), user.c_str(), static_cast<unsigned>(user.size()),
                                    password.c_str(), static_cast<unsigned>(password.size()));
  if (result == SASL_OK) return true;
  if (result == SASL_BADAUTH || result == SASL_NOUSER) return false;
  return fail(Kind::temporary, fmt::format("saslauthd ({}): {}", socket, sasl_errstring(result, nullptr, nullptr)));
}

}  // namespace facteur::auth
