# Calls fire_server, and is called back, though this process listens nowhere:
# ruby fire_client.rb drbfire://localhost:9000
#
# It needs the gem drbfire, or what the tests have in its place: ruby -I tests/ruby/fire …
require 'drb/drbfire'

class Me
  include DRbUndumped

  def hear(news)
    puts "I am told: #{news}"
  end
end

uri = ARGV.fetch(0)
# What is passed there is called through the server there.
DRb.start_service(uri, nil, DRbFire::ROLE => DRbFire::CLIENT)
news = DRbObject.new_with_uri(uri)
count = news.each { |one| puts "I read: #{one}" }
puts "#{count} pieces of news"

news.subscribe(Me.new)
puts "readers told: #{news.publish('there is cake')}"
