# Calls ssl_server over TLS, and is called back: ruby ssl_client.rb drbssl://localhost:9000 certificates
#
# The folder has ca.pem, client.pem and client.key, which ssl_server makes.
require 'drb'
require 'drb/ssl'

uri, folder = ARGV
config = {
  SSLCertificate: OpenSSL::X509::Certificate.new(File.read("#{folder}/client.pem")),
  SSLPrivateKey: OpenSSL::PKey.read(File.read("#{folder}/client.key")),
  SSLCACertificateFile: "#{folder}/ca.pem",
  SSLVerifyMode: OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
}
# It is called back here, and calls others with the same configuration.
DRb.start_service('drbssl://localhost:0', nil, config)

door = DRbObject.new_with_uri(uri)
puts door.knock
count = door.rooms { |room| puts "there is the #{room}" }
puts "#{count} rooms"
