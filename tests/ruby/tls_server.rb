# Serves over TLS as Ruby's drb does, with a configuration that the arguments tell:
#
#   tls_server.rb URI FOLDER [KEY=VALUE …]
#
# own=NAME     the certificate FOLDER/NAME.pem and its key; without it Ruby makes one itself
# verify=none|peer|require
#              what is asked of clients, whose certificates FOLDER/ca.pem has issued
require 'drb'
require 'drb/ssl'
require_relative 'desk'

uri, folder, *options = ARGV
options = options.to_h { |option| option.split('=', 2) }
verify = OpenSSL::SSL::VERIFY_PEER
config = {
  SSLVerifyMode: {
    'none' => OpenSSL::SSL::VERIFY_NONE,
    'peer' => verify,
    'require' => verify | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
  }.fetch(options.fetch('verify', 'none')),
  SSLCACertificateFile: "#{folder}/ca.pem",
  SSLCertName: [%w[CN localhost]]
}
if (own = options['own'])
  config[:SSLCertificate] = OpenSSL::X509::Certificate.new(File.read("#{folder}/#{own}.pem"))
  config[:SSLPrivateKey] = OpenSSL::PKey.read(File.read("#{folder}/#{own}.key"))
end
# Of the accept loop, which ends with a handshake that was reset.
$stderr.reopen(File::NULL)
server = DRb.start_service(uri, Desk.new, config)
$stdout.sync = true
puts "ready #{DRb.uri}"
server.thread.join
