# What a Ruby client of a server with TLS sees; prints a line for each of its words.
#
#   tls_client.rb URI FOLDER [KEY=VALUE …] WORD …
#
# own=NAME     the certificate FOLDER/NAME.pem and its key, as client and where it is called back;
#              `own=made` is one that Ruby makes itself; without it there is none, and no server
# ca=NAME      whom it trusts: FOLDER/NAME.pem. Without it it trusts anyone (Ruby's default)
require 'drb'
require 'drb/ssl'
require 'drb/unix'
require 'timeout'
require_relative 'desk'

uri, folder, *rest = ARGV
options, words = rest.partition { |argument| argument.include?('=') }
options = options.to_h { |option| option.split('=', 2) }

config = { SSLCertName: [%w[CN localhost]] }
if (ca = options['ca'])
  config[:SSLVerifyMode] = OpenSSL::SSL::VERIFY_PEER
  config[:SSLCACertificateFile] = "#{folder}/#{ca}.pem"
end
case own = options['own']
when nil
  # The configuration of a client is that of the process's server, so there is one, of no use.
  DRb.start_service('drbunix:', nil, config)
when 'made'
  # By itself Ruby makes one for a server only.
  made = DRb::DRbSSLSocket::SSLConfig.new(config)
  made.setup_certificate
  config[:SSLCertificate] = made.instance_variable_get(:@cert)
  config[:SSLPrivateKey] = made.instance_variable_get(:@pkey)
  DRb.start_service('drbssl://localhost:0', nil, config)
else
  config[:SSLCertificate] = OpenSSL::X509::Certificate.new(File.read("#{folder}/#{own}.pem"))
  config[:SSLPrivateKey] = OpenSSL::PKey.read(File.read("#{folder}/#{own}.key"))
  DRb.start_service('drbssl://localhost:0', nil, config)
end

there = DRbObject.new_with_uri(uri)
words.each do |word|
  result = Timeout.timeout(20) do
    case word
    when 'echo' then there.echo('tea')
    when 'large' then there.echo('x' * 200_000).size
    when 'counter' then there.counter.then { |counter| [counter.__drburi == uri, counter.inc, counter.inc] }
    when 'call' then there.call(Counter.new)
    when 'each' then there.each(10) { |number| number }
    when 'break' then there.each(10) { |number| number < 3 ? number : (break number) }
    when 'who' then there.who
    end
  end
  puts result.inspect
rescue DRb::DRbConnError => error
  puts error.message
end
