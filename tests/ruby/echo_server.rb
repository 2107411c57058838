# What the example echo_server is, in Ruby: echo_server.rb URI
require 'drb'
require 'drb/unix'
require_relative 'random_values'

# What Ruby dumps depends on when it collects (see differential.rb), and this lives for a short time.
GC.disable

class Echo
  def echo(value)
    value
  end

  def echo_many(*values)
    values
  end
end

DRb.start_service(ARGV.fetch(0), Echo.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
